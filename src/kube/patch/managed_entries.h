// managed_entries.h: metadata.managedFields as values: identity, order, times, the bound on
// updates.
//
// Home:    pure.
// Source:  kubernetes-api.md sections 13.2 and 13.5.
#pragma once

#include <string>
#include <vector>

#include "kube/patch/field_set.h"
#include "kube/server_side_apply.h"

namespace nacelle::kube {

enum class Operation { kApply, kUpdate };

struct ManagedEntry {
  std::string manager;
  Operation operation = Operation::kUpdate;
  std::string api_version;
  std::string subresource;
  std::string time;
  FieldSet fields;
};

// An apply is one manager whatever its version; an update is one per version.
[[nodiscard]] bool same_manager(const ManagedEntry& a, const ManagedEntry& b);

// Of a stored object; none when they are broken.
[[nodiscard]] std::vector<ManagedEntry> entries_of(const Json& object);
// Of an object that a client sent over one whose entries are `stored`.
[[nodiscard]] std::vector<ManagedEntry> entries_after(const Json& object,
                                                      const std::vector<ManagedEntry>& stored);

// Merges the oldest updates into one of "ancient-changes" until kMaxUpdateManagers are left.
void fold_old_updates(std::vector<ManagedEntry>& entries, const Writer& writer);

// Writes what has fields into metadata.managedFields, in order. An entry whose fields are those it
// had in `before` keeps its time.
void store_entries(Json& object, std::vector<ManagedEntry> entries,
                   const std::vector<ManagedEntry>& before, const std::string& time);

// `"upd" with subresource "status" using v1`
[[nodiscard]] std::string owner_text(const ManagedEntry& entry);

}  // namespace nacelle::kube
