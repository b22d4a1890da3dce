// cors.h: the headers that let a page of another origin call the server.
//
// Home:    pure.
// Source:  the Fetch standard; engine.md sections 1 and 4 (on by default, with `*`).
#pragma once

#include "net/http/message.h"
#include "serve/server_config.h"

namespace nacelle::serve {

// An OPTIONS request with Origin and Access-Control-Request-Method.
[[nodiscard]] bool is_preflight(const net::http::RequestHead& request);

// Adds what a preflight answer needs. False when the origin or the method is not allowed: 400.
[[nodiscard]] bool add_preflight_headers(const net::http::RequestHead& request,
                                         const CorsConfig& cors, net::http::Headers& out);

// Adds what an ordinary answer needs; nothing for requests without Origin.
void add_cors_headers(const net::http::RequestHead& request, const CorsConfig& cors,
                      net::http::Headers& out);

}  // namespace nacelle::serve
