// message.h: the heads of requests and responses, the same for HTTP/1.1 and HTTP/2.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "net/http/headers.h"

namespace nacelle::net::http {

enum class Version : std::uint8_t { kHttp10, kHttp11, kHttp2 };

struct RequestHead {
  std::string method = "GET";  // case-sensitive
  // Origin form ("/v1/models?limit=2"), or "*" for OPTIONS. A server has turned absolute form into
  // origin form and put the authority into the Host field.
  std::string target = "/";
  Version version = Version::kHttp11;
  Headers headers;

  // The target before and after the first '?', not decoded.
  [[nodiscard]] std::string_view path() const;
  [[nodiscard]] std::string_view query() const;
  [[nodiscard]] std::string_view host() const { return headers.get("host"); }

  void clear();
};

struct ResponseHead {
  int status = 200;
  std::string reason;  // "" = the standard phrase
  Headers headers;
  Version version = Version::kHttp11;  // as received; senders ignore it

  void clear();
};

// "Not Found" for 404; "Unknown" for statuses without a standard phrase.
[[nodiscard]] std::string_view reason_phrase(int status);

// 1xx, 204 and 304 never have a body.
[[nodiscard]] constexpr bool status_allows_body(int status) {
  return status >= 200 && status != 204 && status != 304;
}

}  // namespace nacelle::net::http
