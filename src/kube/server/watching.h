// watching.h: a watch as a stream of lines.
//
// Home:    the request's loop. Objects are encoded when they are stored; a watcher copies their
//          bytes into one write per batch of changes.
// Bounds:  batches of kMaxBatch changes; a watcher that falls behind the store's history gets ERROR
//          410 and its stream ends; one that takes nothing is cut by the server's stall timeout.
// Source:  kubernetes-api.md section 10.
#pragma once

#include <functional>

#include "async/task.h"
#include "kube/server/answers.h"
#include "kube/server/state.h"
#include "net/http/server_exchange.h"

namespace nacelle::kube::server {

inline constexpr std::size_t kMaxBatch = 512;

// Answers on the exchange itself, unless it returns a reply.
[[nodiscard]] async::Task<std::optional<Reply>> serve_watch(State& state, const Call& call,
                                                            const ListOptions& options,
                                                            net::http::ServerExchange& exchange);

}  // namespace nacelle::kube::server
