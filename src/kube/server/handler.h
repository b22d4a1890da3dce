// handler.h: one request of the API from its head to its answer.
//
// Home:    the exchange's loop.
// Source:  kubernetes-api.md sections 2, 3, 7.
#pragma once

#include "async/task.h"
#include "kube/server/state.h"
#include "net/http/server.h"

namespace nacelle::kube::server {

enum class Trust {
  kToken,   // the caller shows a bearer token
  kCaller,  // a caller of this process, or a server without tokens: the administrator
};

[[nodiscard]] async::Task<void> serve(State& state, Trust trust,
                                      net::http::ServerExchange& exchange);

// What the HTTP server itself refuses, as Status objects.
[[nodiscard]] net::http::RefusalBody refusal_body(int status, std::string_view reason);

}  // namespace nacelle::kube::server
