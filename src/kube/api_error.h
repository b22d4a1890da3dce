// api_error.h: how an API server says no.
//
// Home:    pure.
// Source:  kubernetes-api.md section 16.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/status.h"
#include "kube/object.h"

namespace nacelle::kube {

struct ApiError {
  int code = 0;                    // HTTP
  std::string reason;              // "Expired"; "" when the answer is no Status object
  std::string message;             // at most 500 bytes of it
  Duration retry_after{};          // 0 when the server named none
  std::string continue_token;      // of an expired list: goes on with the state of now
  bool version_too_large = false;  // the server is behind what we have seen

  [[nodiscard]] bool expired() const { return code == 410; }
  [[nodiscard]] bool absent() const { return code == 404; }
  // Someone wrote the object since it was read; for apply, others own what we want to change.
  [[nodiscard]] bool conflict() const { return code == 409 && reason != "AlreadyExists"; }
  [[nodiscard]] bool already_exists() const { return code == 409 && reason == "AlreadyExists"; }
  [[nodiscard]] Status to_status() const;
};

// From the body of an answer or the object of an ERROR event. `retry_after` is that header.
[[nodiscard]] ApiError parse_api_error(int http_status, const Json& status,
                                       std::string_view retry_after = {});

// True for {"kind": "Status", "status": "Failure"}, which counts as an error whatever the code.
[[nodiscard]] bool is_failure(const Json& body);

}  // namespace nacelle::kube
