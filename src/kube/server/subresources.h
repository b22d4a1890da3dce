// subresources.h: what stands below an object: scale, eviction, binding, token, finalize; and the
// reviews, which hold nothing.
//
// Home:    the request's loop.
// Source:  kubernetes-api.md section 15.
#pragma once

#include "async/task.h"
#include "kube/server/resources.h"
#include "kube/server/writing.h"
#include "net/http/server_exchange.h"

namespace nacelle::kube::server {

// GET, PUT and PATCH of the scale of an object.
[[nodiscard]] async::Task<Try<Reply>> serve_scale(State& state, Call& call);

// Deletes a pod unless its budget forbids it (eviction.cc).
[[nodiscard]] async::Task<Try<Reply>> evict_pod(State& state, Call& call);
// `name` "" takes it from the body: POST of /bindings.
[[nodiscard]] async::Task<Try<Reply>> bind_pod(State& state, Call& call);
[[nodiscard]] async::Task<Try<Reply>> finalize_namespace(State& state, Call& call);
[[nodiscard]] Try<Reply> issue_token(State& state, const Call& call);

// A Status object that says "Success".
[[nodiscard]] Reply success_reply(int code, bool pretty);

[[nodiscard]] Try<Reply> serve_review(State& state, const Call& call, const VirtualKind& kind);

// Streams the log of a container, unless it returns a reply.
[[nodiscard]] async::Task<std::optional<Reply>> serve_log(State& state, const Call& call,
                                                          net::http::ServerExchange& exchange);

// Pure: the Scale of an object, and the object with another number of replicas.
[[nodiscard]] Try<Json> scale_of(const Json& object, const schema::Kind& kind);
[[nodiscard]] bool set_replicas(Json& object, const schema::Kind& kind, std::int64_t replicas);

}  // namespace nacelle::kube::server
