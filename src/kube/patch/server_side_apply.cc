#include "kube/server_side_apply.h"

#include <algorithm>
#include <array>
#include <map>
#include <set>
#include <utility>

#include "kube/patch.h"
#include "kube/patch/managed_entries.h"
#include "kube/patch/typed_value.h"

namespace nacelle::kube {
namespace {

// Members of metadata that no manager owns and no apply sets.
constexpr std::array<std::string_view, 8> kServersOwn = {
    "creationTimestamp", "deletionTimestamp", "generation", "managedFields",
    "namespace",         "resourceVersion",   "selfLink",   "uid"};

void strip_untracked(FieldSet& set) {
  set.member = false;
  set.children.erase("f:apiVersion");
  set.children.erase("f:kind");
  const auto metadata = set.children.find("f:metadata");
  if (metadata == set.children.end()) return;
  metadata->second.member = false;
  metadata->second.children.erase("f:name");
  for (const std::string_view name : kServersOwn) {
    metadata->second.children.erase("f:" + std::string(name));
  }
  if (metadata->second.empty()) set.children.erase(metadata);
}

// Leaves of `config` what the endpoint takes: status behind /status, the rest elsewhere.
void keep_endpoint_fields(Json& config, const Writer& writer) {
  if (writer.subresource == "status") {
    Json kept = Json::object();
    for (const char* name : {"apiVersion", "kind", "status"}) {
      if (const auto at = config.find(name); at != config.end()) kept[name] = std::move(*at);
    }
    config = std::move(kept);
    return;
  }
  if (writer.has_status) config.erase("status");
}

// Names of a new object stay in the body; those of an existing one are its own.
void drop_server_fields(Json& config, bool exists) {
  const auto metadata = config.find("metadata");
  if (metadata == config.end() || !metadata->is_object()) return;
  for (const std::string_view name : kServersOwn) {
    if (name != "namespace" || exists) metadata->erase(std::string(name));
  }
  if (exists) metadata->erase("name");
  if (metadata->empty()) config.erase(metadata);
}

Status check_types(const Json& config, const MergeSchema& schema) {
  const std::vector<std::string> errors = type_errors(config, schema);
  if (errors.empty()) return {};
  std::string text = errors.front();
  if (errors.size() > 1) {
    text = "errors:";
    for (const std::string& error : errors) text += "\n  " + error;
  }
  return invalid_argument("failed to create typed patch object ({}/{}; {}, Kind={}): {}",
                          text_at(config, {"metadata", "namespace"}),
                          text_at(config, {"metadata", "name"}), text_at(config, {"apiVersion"}),
                          text_at(config, {"kind"}), text);
}

Json without_managed_fields(Json object) {
  if (const auto at = object.find("metadata"); at != object.end() && at->is_object()) {
    at->erase("managedFields");
  }
  return object;
}

FieldSet changed_fields(const Comparison& comparison) {
  FieldSet changed = unite(comparison.modified, comparison.added);
  strip_untracked(changed);
  return changed;
}

struct OwnedConflict {
  ManagedEntry* entry;
  FieldSet fields;
};

std::vector<Conflict> listed(const std::vector<OwnedConflict>& conflicts) {
  std::vector<Conflict> out;
  for (const OwnedConflict& conflict : conflicts) {
    for (std::string& path : paths_of(conflict.fields)) {
      out.push_back({owner_text(*conflict.entry), std::move(path)});
    }
  }
  return out;
}

// kubectl's first apply after years of client-side applies: what stands in the annotation that
// those left is kubectl's own.
FieldSet last_applied_fields(const Json* live, const Writer& writer, const MergeSchema& schema) {
  if (live == nullptr || writer.manager != "kubectl" || !writer.subresource.empty()) return {};
  const std::string_view text = text_at(
      *live, {"metadata", "annotations", "kubectl.kubernetes.io/last-applied-configuration"});
  if (text.empty()) return {};
  const Json applied = Json::parse(text, nullptr, false);
  if (!applied.is_object() || nesting_of(applied) > kMaxMergeDepth) return {};
  FieldSet fields = fields_of(applied, schema, Containers::kNo);
  strip_untracked(fields);
  return fields;
}

std::vector<OwnedConflict> conflicts_with(std::vector<ManagedEntry>& entries,
                                          const FieldSet& changed) {
  std::vector<OwnedConflict> conflicts;
  for (ManagedEntry& entry : entries) {
    FieldSet both = intersect(entry.fields, changed);
    if (!both.empty()) conflicts.push_back({&entry, std::move(both)});
  }
  return conflicts;
}

// Takes this manager's entry out of `entries`.
ManagedEntry take_entry(std::vector<ManagedEntry>& entries, ManagedEntry identity) {
  for (auto at = entries.begin(); at != entries.end(); ++at) {
    if (!same_manager(*at, identity)) continue;
    ManagedEntry own = std::move(*at);
    entries.erase(at);
    return own;
  }
  return identity;
}

}  // namespace

Result<Applied> server_side_apply(const Json* live, Json config, const Writer& writer, Force force,
                                  const MergeSchema& schema) {
  if (!config.is_object()) return invalid_argument("an apply is a map, got {}", config.type_name());
  if (nesting_of(config) > kMaxMergeDepth ||
      (live != nullptr && nesting_of(*live) > kMaxMergeDepth)) {
    return invalid_argument("the body or its object nests deeper than {}", kMaxMergeDepth);
  }
  if (find(config, {"metadata", "managedFields"}) != nullptr) {
    return invalid_argument("metadata.managedFields must be nil");
  }
  RETURN_IF_ERROR(check_types(config, schema));
  keep_endpoint_fields(config, writer);
  drop_server_fields(config, live != nullptr);

  const Json before = live == nullptr ? Json::object() : without_managed_fields(*live);
  const std::vector<ManagedEntry> stored =
      live == nullptr ? std::vector<ManagedEntry>() : entries_of(*live);
  std::vector<ManagedEntry> entries = stored;
  if (live != nullptr && entries.empty()) {
    ManagedEntry first{.manager = "before-first-apply",
                       .operation = Operation::kUpdate,
                       .api_version = std::string(text_at(*live, {"apiVersion"})),
                       .time = writer.time,
                       .fields = fields_of(before, schema, Containers::kYes)};
    strip_untracked(first.fields);
    if (!first.fields.empty()) entries.push_back(std::move(first));
  }
  ManagedEntry own = take_entry(entries, {.manager = writer.manager,
                                          .operation = Operation::kApply,
                                          .api_version = writer.api_version,
                                          .subresource = writer.subresource});
  FieldSet wanted = fields_of(config, schema, Containers::kNo);
  strip_untracked(wanted);

  Json after = merge_applied(before, config, schema);
  if (!own.fields.empty()) {
    FieldSet kept = wanted;
    for (const ManagedEntry& entry : entries) kept = unite(std::move(kept), entry.fields);
    prune(after, own.fields, kept, schema);
  }
  Comparison comparison = compare(before, after, schema);
  const FieldSet changed = changed_fields(comparison);
  std::vector<OwnedConflict> conflicts = conflicts_with(entries, changed);
  if (force == Force::kNo && !conflicts.empty()) {
    const FieldSet allowed = last_applied_fields(live, writer, schema);
    std::vector<OwnedConflict> remaining = conflicts;
    for (OwnedConflict& conflict : remaining) conflict.fields = subtract(conflict.fields, allowed);
    std::erase_if(remaining, [](const OwnedConflict& c) { return c.fields.empty(); });
    if (!remaining.empty()) {
      return Applied{.object = live == nullptr ? Json::object() : *live,
                     .conflicts = listed(remaining)};
    }
  }
  const FieldSet lost = unite(changed, comparison.removed);
  for (ManagedEntry& entry : entries) entry.fields = subtract(entry.fields, lost);
  own.api_version = writer.api_version;
  own.fields = std::move(wanted);
  entries.push_back(std::move(own));
  store_entries(after, std::move(entries), stored, writer.time);
  return Applied{.object = after, .changed = live == nullptr || after != *live};
}

void track_update(const Json* before, Json& after, const Writer& writer,
                  const MergeSchema& schema) {
  const Json old = before == nullptr ? Json::object() : without_managed_fields(*before);
  const std::vector<ManagedEntry> stored =
      before == nullptr ? std::vector<ManagedEntry>() : entries_of(*before);
  std::vector<ManagedEntry> entries = entries_after(after, stored);
  const std::vector<ManagedEntry> sent = entries;
  after = without_managed_fields(std::move(after));
  if (nesting_of(after) > kMaxMergeDepth || nesting_of(old) > kMaxMergeDepth) {
    store_entries(after, std::move(entries), sent, writer.time);
    return;  // too deep to compare: nobody's ownership changes
  }
  Comparison comparison = compare(old, after, schema);
  const FieldSet changed = changed_fields(comparison);
  ManagedEntry own = take_entry(entries, {.manager = writer.manager,
                                          .operation = Operation::kUpdate,
                                          .api_version = writer.api_version,
                                          .subresource = writer.subresource});
  const FieldSet lost = unite(changed, comparison.removed);
  for (ManagedEntry& entry : entries) entry.fields = subtract(entry.fields, lost);
  own.fields = unite(subtract(own.fields, comparison.removed), changed);
  entries.push_back(std::move(own));
  fold_old_updates(entries, writer);
  store_entries(after, std::move(entries), sent, writer.time);
}

}  // namespace nacelle::kube
