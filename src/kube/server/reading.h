// reading.h: get and list.
//
// Home:    the request's loop.
// Source:  kubernetes-api.md section 9.
#pragma once

#include "async/task.h"
#include "kube/server/answers.h"
#include "kube/server/state.h"

namespace nacelle::kube::server {

[[nodiscard]] async::Task<Try<Reply>> get_object(State& state, const Call& call);
[[nodiscard]] async::Task<Try<Reply>> list_objects(State& state, const Call& call,
                                                   const ListOptions& options);

// Waits up to three seconds for the store to reach a version that the client has seen.
[[nodiscard]] async::Task<std::optional<Failure>> wait_for_version(State& state,
                                                                   std::uint64_t version);

// Where a page ended: {"v":"meta.k8s.io/v1","rv":7,"start":"ns/name\0"} in base64url.
struct ContinueToken {
  std::optional<std::uint64_t> revision;  // nullopt: the state of now
  ObjectKey after;
};
[[nodiscard]] std::string encode_continue(const ContinueToken& token);
[[nodiscard]] Try<ContinueToken> decode_continue(std::string_view text);

}  // namespace nacelle::kube::server
