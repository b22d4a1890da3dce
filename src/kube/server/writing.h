// writing.h: create, update, patch, delete.
//
// Home:    the request's loop. What an object becomes is decided by pure functions (write_rules.h,
//          delete_rules.h); a write that loses a race is decided again.
// Source:  kubernetes-api.md sections 11 to 14.
#pragma once

#include "async/task.h"
#include "kube/server/answers.h"
#include "kube/server/state.h"
#include "kube/server/write_rules.h"

namespace nacelle::kube::server {

[[nodiscard]] async::Task<Try<Reply>> create_object(State& state, Call& call);
// PUT of the object or its status.
[[nodiscard]] async::Task<Try<Reply>> replace_object(State& state, Call& call);
[[nodiscard]] async::Task<Try<Reply>> patch_object(State& state, Call& call);
[[nodiscard]] async::Task<Try<Reply>> delete_object(State& state, Call& call);
[[nodiscard]] async::Task<Try<Reply>> delete_collection(State& state, Call& call,
                                                        const ListOptions& options);

// Stores a new object, which another writer's may have come before.
struct Stored {
  ObjectPtr object;  // null for a dry run ...
  Json dry;          // ... which shows this
  bool created = false;
};

// Decides again and again until no other writer comes in between. `decide` sees the object that
// stands there now, or null.
struct Decision {
  Json object;
  bool write = true;    // false: nothing changes
  bool remove = false;  // the object goes, and this is its last state
};
using Decide = std::function<Try<Decision>(const StoredObject* now)>;
[[nodiscard]] async::Task<Try<Stored>> write_decided(State& state, Call& call, Decide decide,
                                                     bool dry_run);

[[nodiscard]] Try<Decision> decide_update(const StoredObject& now, Json body, UpdateKind how,
                                          const WriteContext& context);
[[nodiscard]] Try<Decision> decide_create(Json body, const WriteContext& context);
// A namespace must be there, and stay, for what is created in it.
[[nodiscard]] std::optional<Failure> check_namespace(State& state, const Call& call);

[[nodiscard]] Reply reply_to(State& state, const Call& call, const Wanted& wanted,
                             const Stored& stored, int status, std::vector<std::string> warnings);

[[nodiscard]] WriteContext context_of(State& state, const Call& call, WriteOptions options);

// What an admission warned of, after what was said of the body.
void add_said(const WriteContext& context, std::vector<std::string>& warnings);

// Forgets or learns kinds when a CRD changed.
void after_write(State& state, const Call& call);

}  // namespace nacelle::kube::server
