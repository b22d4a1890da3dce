// header_rules.h: which headers cross the gateway, in both directions.
//
// Hop-by-hop fields stay behind (RFC 9110 section 7.6.1: those that Connection names too). Headers
// that the system itself sets for routing are dropped when a client sends them: they would steer a
// request or forge its outcome. X-Forwarded-For/-Proto/-Host and X-Request-Id are set.
//
// Source:  gateway.md sections 7.2 and 17.7, router.md section 5.3.
#pragma once

#include <cstdint>
#include <string_view>

#include "net/http/headers.h"

namespace nacelle::gateway {

struct ForwardedBy {
  std::string_view peer_ip;
  std::string_view scheme;         // "http" or "https"
  std::string_view request_id;     // "" = leave what is there
  std::uint32_t trusted_hops = 0;  // 0: what the client claims of proto and host is replaced
};

// Of a request before it goes upstream.
void prepare_request_headers(net::http::Headers& headers, const ForwardedBy& by);

// Of a response before it goes to the client. Content-Length stays: the sender decides.
void prepare_response_headers(net::http::Headers& headers);

}  // namespace nacelle::gateway
