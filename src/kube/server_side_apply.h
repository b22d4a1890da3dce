// server_side_apply.h: who owns which field, and what an apply or an update makes of it.
//
// Ownership stands in metadata.managedFields. An apply states all fields its manager wants: those
// it no longer states are removed unless somebody else owns them, and those that others own with
// another value are conflicts. Every other write takes what it changes.
//
//   Result<Applied> applied = server_side_apply(live, body, writer, Force::kNo, schema);
//   if (!applied->conflicts.empty()) answer(apply_conflict_status(applied->conflicts));
//   else: default, validate and store applied->object when applied->changed
//
//   track_update(&before, after, writer, schema);  // create (before = null), update, patches:
//                                                  // after defaulting, which the writer then owns
//
// Sets of other versions of the kind are read as if their fields had the same names.
//
// Home:    pure; any thread.
// Errors:  invalid_argument for bodies that are no apply (HTTP 400; 500 on real servers when the
//          message begins with "failed to create typed patch object").
// Bounds:  nesting of kMaxMergeDepth; kMaxUpdateManagers entries of updates.
// Source:  kubernetes-api.md section 13; the set algebra is that of structured-merge-diff.
#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "kube/merge_schema.h"
#include "kube/object.h"

namespace nacelle::kube {

inline constexpr std::size_t kMaxUpdateManagers = 10;

struct Writer {
  std::string manager;
  std::string api_version;  // of the request: "apps/v1"
  std::string subresource;  // "", "status" or "scale"
  std::string time;         // now, "2026-11-29T21:00:00Z"
  // The kind has a status subresource: status in a body of the main endpoint is ignored.
  bool has_status = true;
};

enum class Force { kNo, kYes };

struct Conflict {
  std::string owner;  // `"m1"`, `"upd" using v1`, `"x" with subresource "status" using v1`
  std::string field;  // `.spec.template.spec.containers[name="a"].image`
  friend bool operator==(const Conflict&, const Conflict&) = default;
};

struct Applied {
  Json object;  // with managedFields; as before when there are conflicts
  bool changed = false;
  std::vector<Conflict> conflicts;
};

// `live` is null when the object does not exist yet. `config` is the body: names, kinds and
// preconditions (resourceVersion, uid) are the caller's to check and are not taken from it.
[[nodiscard]] Result<Applied> server_side_apply(const Json* live, Json config, const Writer& writer,
                                                Force force, const MergeSchema& schema);

// Sets `after`'s managedFields. Those in `after` are the client's: none, [] or broken ones mean
// `before`'s, [{}] clears them, others replace them.
void track_update(const Json* before, Json& after, const Writer& writer, const MergeSchema& schema);

// "Apply failed with 1 conflict: conflict with \"m1\": .data.b"
[[nodiscard]] std::string apply_conflict_message(const std::vector<Conflict>& conflicts);
// The whole 409 Status object.
[[nodiscard]] Json apply_conflict_status(const std::vector<Conflict>& conflicts);

}  // namespace nacelle::kube
