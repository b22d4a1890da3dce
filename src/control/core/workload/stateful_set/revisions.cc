#include "control/core/workload/stateful_set/revisions.h"

#include <algorithm>
#include <utility>

#include "control/core/children.h"
#include "control/core/workload/labels.h"
#include "control/core/workload/stateful_set/stateful_set.h"

namespace nacelle::control::workload {
namespace {

using kube::number_at;
using kube::text_at;

std::int64_t number_of(const Json& revision) {
  return number_at(revision, {"revision"}).value_or(0);
}

bool older(const Json* a, const Json* b) {
  if (number_of(*a) != number_of(*b)) return number_of(*a) < number_of(*b);
  return kube::key_of(*a).name < kube::key_of(*b).name;
}

// What a revision holds: a patch of the set, as Kubernetes writes it.
Json data_of(const Json& set) {
  Json pattern = kube::map_at(set, {"spec", "template"});
  if (const auto metadata = pattern.find("metadata");
      metadata != pattern.end() && metadata->is_object()) {
    metadata->erase("creationTimestamp");
  }
  pattern["$patch"] = "replace";
  return {{"spec", {{"template", std::move(pattern)}}}};
}

Json new_revision(const Json& set, const std::string& name, const std::string& hash, Json data,
                  std::int64_t number) {
  Json labels = kube::map_at(set, {"spec", "template", "metadata", "labels"});
  labels["controller.kubernetes.io/hash"] = hash;
  return {{"apiVersion", "apps/v1"},
          {"kind", "ControllerRevision"},
          {"metadata",
           {{"name", name},
            {"namespace", kube::key_of(set).name_space},
            {"labels", std::move(labels)},
            {"ownerReferences", Json::array({controller_reference(set)})}}},
          {"data", std::move(data)},
          {"revision", number}};
}

}  // namespace

const Json& template_of(const Json& revision) {
  return kube::map_at(revision, {"data", "spec", "template"});
}

SetRevisions revisions_of(const Json& set, const std::vector<Json>& revisions) {
  const std::string uid(text_at(set, {"metadata", "uid"}));
  SetRevisions out;
  for (const Json& revision : revisions) {
    if (controller_of(revision) == uid && !kube::is_being_deleted(revision)) {
      out.owned.push_back(&revision);
    }
  }
  std::sort(out.owned.begin(), out.owned.end(), older);
  out.collisions = number_at(set, {"status", "collisionCount"}).value_or(0);
  const Json data = data_of(set);
  for (const Json* revision : out.owned) {
    if (kube::map_at(*revision, {"data"}) == data) out.update = revision;
  }
  const std::int64_t next = out.owned.empty() ? 1 : number_of(*out.owned.back()) + 1;
  if (out.update == nullptr) {
    const std::string text = data.dump(-1, ' ', false, Json::error_handler_t::replace);
    const std::string base = kube::key_of(set).name;
    std::string hash = hash_text(fnv(std::to_string(out.collisions), fnv(text)));
    const auto taken = [&](const std::string& name) {
      return std::any_of(revisions.begin(), revisions.end(),
                         [&](const Json& each) { return kube::key_of(each).name == name; });
    };
    while (taken(base + "-" + hash)) {
      hash = hash_text(fnv(std::to_string(++out.collisions), fnv(text)));
    }
    out.update_name = base + "-" + hash;
    out.actions.push_back(Create{new_revision(set, out.update_name, hash, data, next)});
  } else {
    out.update_name = kube::key_of(*out.update).name;
    if (out.update != out.owned.back()) {
      Json renumbered = *out.update;
      renumbered["revision"] = next;
      out.actions.push_back(Update{std::move(renumbered)});
    }
  }
  const std::string_view current = text_at(set, {"status", "currentRevision"});
  for (const Json* revision : out.owned) {
    if (kube::key_of(*revision).name == current) out.current = revision;
  }
  if (out.current == nullptr) out.current = out.update;
  out.current_name = out.current == nullptr ? out.update_name : kube::key_of(*out.current).name;
  return out;
}

std::vector<Action> surplus_revisions(const Json& set, const SetRevisions& revisions,
                                      const std::vector<const Json*>& pods) {
  const auto limit =
      std::max<std::int64_t>(0, number_at(set, {"spec", "revisionHistoryLimit"}).value_or(10));
  std::vector<const Json*> unused;
  for (const Json* revision : revisions.owned) {
    const std::string name = kube::key_of(*revision).name;
    const bool used =
        revision == revisions.update || revision == revisions.current ||
        std::any_of(pods.begin(), pods.end(), [&](const Json* pod) {
          return text_at(*pod, {"metadata", "labels", kControllerRevisionHash}) == name;
        });
    if (!used) unused.push_back(revision);
  }
  std::vector<Action> out;
  for (std::size_t i = 0; i + static_cast<std::size_t>(limit) < unused.size(); ++i) {
    out.push_back(
        Delete{target_of(*unused[i]), std::string(text_at(*unused[i], {"metadata", "uid"}))});
  }
  return out;
}

}  // namespace nacelle::control::workload
