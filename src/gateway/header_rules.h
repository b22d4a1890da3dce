// header_rules.h: which headers cross the gateway, in both directions.
//
// Hop-by-hop fields stay behind (RFC 9110 section 7.6.1: those that Connection names too); routing
// headers that a client sends are not believed; X-Forwarded-For and X-Request-Id are added.
// Source: gateway.md section 17.7, router.md section 5.3.
#pragma once

#include <string_view>

#include "net/http/headers.h"

namespace nacelle::gateway {

// Of a request before it goes upstream. `request_id` is used when the client sent none.
void prepare_request_headers(net::http::Headers& headers, std::string_view peer_ip,
                             std::string_view request_id);

// Of a response before it goes to the client.
void prepare_response_headers(net::http::Headers& headers);

}  // namespace nacelle::gateway
