#include "kube/patch/managed_entries.h"

#include <algorithm>
#include <optional>
#include <tuple>

namespace nacelle::kube {
namespace {

constexpr std::string_view kAncient = "ancient-changes";

std::optional<std::vector<ManagedEntry>> parse_entries(const Json& list) {
  if (!list.is_array()) return std::nullopt;
  std::vector<ManagedEntry> entries;
  for (const Json& item : list) {
    const std::string_view operation = text_at(item, {"operation"});
    if (operation != "Apply" && operation != "Update") return std::nullopt;
    const Json* fields = find(item, {"fieldsV1"});
    auto set = parse_field_set(fields == nullptr ? Json::object() : *fields);
    if (!set.ok()) return std::nullopt;
    entries.push_back({.manager = std::string(text_at(item, {"manager"})),
                       .operation = operation == "Apply" ? Operation::kApply : Operation::kUpdate,
                       .api_version = std::string(text_at(item, {"apiVersion"})),
                       .subresource = std::string(text_at(item, {"subresource"})),
                       .time = std::string(text_at(item, {"time"})),
                       .fields = *std::move(set)});
  }
  return entries;
}

auto order_of(const ManagedEntry& e) {
  return std::tie(e.operation, e.time, e.manager, e.api_version, e.subresource);
}

Json to_json(const ManagedEntry& entry) {
  Json out = {{"manager", entry.manager},
              {"operation", entry.operation == Operation::kApply ? "Apply" : "Update"},
              {"apiVersion", entry.api_version},
              {"fieldsType", "FieldsV1"},
              {"fieldsV1", to_fields_v1(entry.fields)}};
  if (!entry.time.empty()) out["time"] = entry.time;
  if (!entry.subresource.empty()) out["subresource"] = entry.subresource;
  return out;
}

}  // namespace

bool same_manager(const ManagedEntry& a, const ManagedEntry& b) {
  return a.manager == b.manager && a.operation == b.operation && a.subresource == b.subresource &&
         (a.operation == Operation::kApply || a.api_version == b.api_version);
}

std::vector<ManagedEntry> entries_of(const Json& object) {
  return parse_entries(list_at(object, {"metadata", "managedFields"}))
      .value_or(std::vector<ManagedEntry>());
}

std::vector<ManagedEntry> entries_after(const Json& object,
                                        const std::vector<ManagedEntry>& stored) {
  const Json& sent = list_at(object, {"metadata", "managedFields"});
  if (sent.empty()) return stored;
  if (sent.size() == 1 && sent[0].is_object() && sent[0].empty()) return {};
  return parse_entries(sent).value_or(stored);
}

void fold_old_updates(std::vector<ManagedEntry>& entries, const Writer& writer) {
  std::erase_if(entries, [](const ManagedEntry& entry) { return entry.fields.empty(); });
  std::vector<ManagedEntry*> updates;
  for (ManagedEntry& entry : entries) {
    if (entry.operation == Operation::kUpdate) updates.push_back(&entry);
  }
  if (updates.size() <= kMaxUpdateManagers) return;
  std::stable_sort(updates.begin(), updates.end(), [&](const auto* a, const auto* b) {
    const auto age = [&](const ManagedEntry* e) { return e->time.empty() ? writer.time : e->time; };
    return age(a) < age(b);
  });
  std::vector<ManagedEntry> buckets;
  std::size_t left = updates.size();
  for (ManagedEntry* entry : updates) {
    if (left <= kMaxUpdateManagers) break;
    const auto bucket = std::find_if(buckets.begin(), buckets.end(), [&](const ManagedEntry& b) {
      return b.api_version == entry->api_version && b.subresource == entry->subresource;
    });
    if (bucket == buckets.end()) {
      buckets.push_back({.manager = std::string(kAncient),
                         .api_version = entry->api_version,
                         .subresource = entry->subresource,
                         .time = entry->time,
                         .fields = std::move(entry->fields)});
    } else {
      bucket->fields = unite(std::move(bucket->fields), entry->fields);
      bucket->time = std::max(bucket->time, entry->time);
      --left;
    }
    entry->fields = {};
  }
  std::erase_if(entries, [](const ManagedEntry& entry) { return entry.fields.empty(); });
  for (ManagedEntry& bucket : buckets) entries.push_back(std::move(bucket));
}

void store_entries(Json& object, std::vector<ManagedEntry> entries,
                   const std::vector<ManagedEntry>& before, const std::string& time) {
  std::erase_if(entries, [](const ManagedEntry& entry) { return entry.fields.empty(); });
  for (ManagedEntry& entry : entries) {
    if (entry.manager == kAncient) continue;  // as old as what was folded into it
    const auto old = std::find_if(before.begin(), before.end(), [&](const ManagedEntry& other) {
      return same_manager(entry, other);
    });
    if (old == before.end() || old->fields != entry.fields) {
      entry.time = time;
    } else {
      entry.time = old->time;
    }
  }
  std::sort(entries.begin(), entries.end(),
            [](const ManagedEntry& a, const ManagedEntry& b) { return order_of(a) < order_of(b); });
  Json list = Json::array();
  for (const ManagedEntry& entry : entries) list.push_back(to_json(entry));
  Json& metadata = object["metadata"];
  if (!metadata.is_object()) metadata = Json::object();
  if (list.empty()) {
    metadata.erase("managedFields");
  } else {
    metadata["managedFields"] = std::move(list);
  }
}

std::string owner_text(const ManagedEntry& entry) {
  std::string text = "\"" + entry.manager + "\"";
  if (!entry.subresource.empty()) text += " with subresource \"" + entry.subresource + "\"";
  if (entry.operation == Operation::kUpdate) text += " using " + entry.api_version;
  return text;
}

std::string apply_conflict_message(const std::vector<Conflict>& conflicts) {
  if (conflicts.size() == 1) {
    return "Apply failed with 1 conflict: conflict with " + conflicts[0].owner + ": " +
           conflicts[0].field;
  }
  std::vector<std::string> owners;
  for (const Conflict& conflict : conflicts) owners.push_back(conflict.owner);
  std::sort(owners.begin(), owners.end());
  owners.erase(std::unique(owners.begin(), owners.end()), owners.end());
  std::string text = "Apply failed with " + std::to_string(conflicts.size()) + " conflicts: ";
  for (const std::string& owner : owners) {
    if (owner != owners.front()) text += '\n';
    text += "conflicts with " + owner + ":";
    for (const Conflict& conflict : conflicts) {
      if (conflict.owner == owner) text += "\n- " + conflict.field;
    }
  }
  return text;
}

Json apply_conflict_status(const std::vector<Conflict>& conflicts) {
  Json causes = Json::array();
  for (const Conflict& conflict : conflicts) {
    causes.push_back({{"reason", "FieldManagerConflict"},
                      {"message", "conflict with " + conflict.owner},
                      {"field", conflict.field}});
  }
  return {{"kind", "Status"},
          {"apiVersion", "v1"},
          {"metadata", Json::object()},
          {"status", "Failure"},
          {"message", apply_conflict_message(conflicts)},
          {"reason", "Conflict"},
          {"details", {{"causes", std::move(causes)}}},
          {"code", 409}};
}

}  // namespace nacelle::kube
