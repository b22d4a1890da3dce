// cors.h: cross-origin requests: the answer to a preflight, and the headers of the others.
//
// Home:    immutable; any thread.
// Source:  gateway.md section 1.6; the Fetch standard, "CORS protocol".
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "net/http/message.h"

namespace nacelle::gateway {

struct Cors {
  std::vector<std::string> origins;  // "*", "scheme://host[:port]", "scheme://*.domain[:port]"
  std::vector<std::string> methods;  // "*" = any
  std::vector<std::string> headers;  // "*" = any
  std::vector<std::string> expose;
  bool credentials = false;
  std::int64_t max_age_seconds = 5;

  [[nodiscard]] bool allows(std::string_view origin) const;
  // An OPTIONS request that asks for permission; it never reaches a backend.
  [[nodiscard]] static bool is_preflight(const net::http::RequestHead& request);
  // 204; without permission it carries no CORS header, which browsers take as a no.
  [[nodiscard]] net::http::ResponseHead preflight(const net::http::RequestHead& request) const;
  // Of the answer to a request with this Origin; the backend's own CORS headers are replaced.
  void decorate(std::string_view origin, net::http::Headers& response) const;
};

}  // namespace nacelle::gateway
