// decision.h: what comes out of a scheduling cycle, as a value.
//
// Home:    a value; reused between picks, so that its lists keep their memory.
// Source:  router.md sections 4, 5 and 8.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"

namespace nacelle::router {

struct Target {
  std::uint32_t position = 0;  // in the pool snapshot
  double score = 0;
  friend bool operator==(const Target&, const Target&) = default;
};

struct ProfileResult {
  enum class State : std::uint8_t { kNotRun, kFailed, kDone };
  State state = State::kNotRun;
  std::vector<Target> targets;  // best first; the rest are fallbacks

  [[nodiscard]] bool done() const { return state == State::kDone; }
};

struct HeaderValue {
  std::string name;
  std::string value;
  friend bool operator==(const HeaderValue&, const HeaderValue&) = default;
};

// Why no endpoint was chosen, and how the edge says so.
struct Refusal {
  Status status;
  int http_status = 0;
  std::string_view reason;  // for x-llm-d-request-dropped-reason; "" when it carries none
};

inline constexpr std::string_view kReasonNoEndpoints = "rejected-no-endpoints";
inline constexpr std::string_view kReasonSaturated = "rejected-saturated";

struct Decision {
  std::vector<ProfileResult> results;       // by profile
  std::uint32_t primary = 0;                // the profile whose targets get the request
  std::vector<HeaderValue> set_headers;     // on the request to the engine
  std::vector<std::string> remove_headers;  // a client's own values, before the above are set
  std::vector<HeaderValue> response_headers;
  std::uint16_t destination_port = 0;  // replaces the target's own port; 0: it does not
  Refusal refusal;                     // ok status: there is a target

  [[nodiscard]] bool ok() const { return refusal.status.ok(); }
  [[nodiscard]] const std::vector<Target>& targets() const { return results[primary].targets; }

  void clear(std::size_t profiles);
  void refuse(Status status, int http_status, std::string_view reason = {});
};

}  // namespace nacelle::router
