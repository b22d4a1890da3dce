#include "kube/schema/cells.h"

#include <optional>
#include <sstream>

#include <fmt/format.h>

#include "base/quantity.h"
#include "kube/time.h"

namespace nacelle::kube::schema {
namespace {

// `Name` and then the words; "*" at the end: only in the wide form; ":t" a type. "_" is a space.
struct Row {
  std::string_view kind;
  std::string_view columns;
  Kind::Cells cells;
};

Json name_of(const Json& object) { return text_at(object, {"metadata", "name"}); }

Json age_cells(const Json& object, std::int64_t now_s) {
  return Json::array({name_of(object), object_age(object, now_s)});
}

Json data_cells(const Json& object, std::int64_t now_s) {
  const std::size_t size = map_at(object, {"data"}).size() + map_at(object, {"binaryData"}).size();
  return Json::array({name_of(object), std::to_string(size), object_age(object, now_s)});
}

Json secret_cells(const Json& object, std::int64_t now_s) {
  return Json::array({name_of(object), text_at(object, {"type"}),
                      std::to_string(map_at(object, {"data"}).size()), object_age(object, now_s)});
}

Json namespace_cells(const Json& object, std::int64_t now_s) {
  return Json::array(
      {name_of(object), text_at(object, {"status", "phase"}), object_age(object, now_s)});
}

Json lease_cells(const Json& object, std::int64_t now_s) {
  return Json::array(
      {name_of(object), text_at(object, {"spec", "holderIdentity"}), object_age(object, now_s)});
}

Json created_cells(const Json& object, std::int64_t) {
  return Json::array({name_of(object), text_at(object, {"metadata", "creationTimestamp"})});
}

Json storage_class_cells(const Json& object, std::int64_t now_s) {
  const bool standard = text_at(object, {"metadata", "annotations",
                                         "storageclass.kubernetes.io/is-default-class"}) == "true";
  std::string name(text_at(object, {"metadata", "name"}));
  if (standard) name += " (default)";
  return Json::array({name, text_at(object, {"provisioner"}), text_at(object, {"reclaimPolicy"}),
                      text_at(object, {"volumeBindingMode"}),
                      bool_at(object, {"allowVolumeExpansion"}), object_age(object, now_s)});
}

Json binding_cells(const Json& object, std::int64_t now_s) {
  std::map<std::string, std::vector<std::string>, std::less<>> names;
  for (const Json& subject : list_at(object, {"subjects"})) {
    const std::string kind(text_at(subject, {"kind"}));
    std::string name(text_at(subject, {"name"}));
    if (kind == "ServiceAccount") name = std::string(text_at(subject, {"namespace"})) + "/" + name;
    names[kind].push_back(name);
  }
  const std::string role = fmt::format("{}/{}", text_at(object, {"roleRef", "kind"}),
                                       text_at(object, {"roleRef", "name"}));
  return Json::array({name_of(object), role, object_age(object, now_s), joined(names["User"], ", "),
                      joined(names["Group"], ", "), joined(names["ServiceAccount"], ", ")});
}

Json quota_cells(const Json& object, std::int64_t now_s) {
  const auto text = [&](bool limits) {
    std::vector<std::string> parts;
    for (const auto& [name, hard] : map_at(object, {"status", "hard"}).items()) {
      if (name.starts_with("limits.") != limits) continue;
      const Json* used = kube::find(object, {"status", "used", name});
      parts.push_back(fmt::format(
          "{}: {}/{}", name, used != nullptr && used->is_string() ? used->get<std::string>() : "0",
          hard.is_string() ? hard.get<std::string>() : hard.dump()));
    }
    return joined(parts, ", ");
  };
  return Json::array({name_of(object), text(false), text(true), object_age(object, now_s)});
}

Json revision_cells(const Json& object, std::int64_t now_s) {
  std::string owner = "<none>";
  for (const Json& one : list_at(object, {"metadata", "ownerReferences"})) {
    if (!bool_at(one, {"controller"})) continue;
    owner = fmt::format("{}/{}", text_at(one, {"kind"}), text_at(one, {"name"}));
  }
  return Json::array({name_of(object), owner, number_at(object, {"revision"}).value_or(0),
                      object_age(object, now_s)});
}

// Of a node; of a pod the sum of its containers.
Json usage_cells(const Json& object, std::int64_t) {
  std::vector<const Json*> parts;
  if (object.contains("usage")) parts.push_back(&object["usage"]);
  for (const Json& one : list_at(object, {"containers"})) parts.push_back(&map_at(one, {"usage"}));
  const auto sum = [&](const char* resource) {
    std::optional<Quantity> out;
    for (const Json* part : parts) {
      const auto amount = Quantity::parse(text_at(*part, {resource}));
      if (!amount.ok()) continue;
      if (out) {
        *out += *amount;
      } else {
        out = *amount;  // in the family of the first
      }
    }
    return out.value_or(Quantity()).to_string();
  };
  return Json::array({name_of(object), sum("cpu"), sum("memory"), text_at(object, {"window"})});
}

constexpr Row kRows[] = {
    {"Pod", "Ready Status Restarts Age IP* Node* Nominated_Node* Readiness_Gates*", pod_cells},
    {"Deployment", "Ready Up-to-date Available Age Containers* Images* Selector*",
     deployment_cells},
    {"ReplicaSet",
     "Desired:integer Current:integer Ready:integer Age Containers* Images* Selector*",
     replica_set_cells},
    {"StatefulSet", "Ready Age Containers* Images*", stateful_set_cells},
    {"DaemonSet",
     "Desired:integer Current:integer Ready:integer Up-to-date:integer Available:integer "
     "Node_Selector Age Containers* Images* Selector*",
     daemon_set_cells},
    {"Job", "Status Completions Duration Age Containers* Images* Selector*", job_cells},
    {"CronJob",
     "Schedule Timezone Suspend:boolean Active:integer Last_Schedule Age Containers* Images* "
     "Selector*",
     cron_job_cells},
    {"Service", "Type Cluster-IP External-IP Port(s) Age Selector*", service_cells},
    {"Endpoints", "Endpoints Age", endpoints_cells},
    {"EndpointSlice", "AddressType Ports Endpoints Age", endpoint_slice_cells},
    {"Node",
     "Status Roles Age Version Internal-IP* External-IP* OS-Image* Kernel-Version* "
     "Container-Runtime*",
     node_cells},
    {"Namespace", "Status Age", namespace_cells},
    {"ConfigMap", "Data Age", data_cells},
    {"Secret", "Type Data Age", secret_cells},
    {"PersistentVolumeClaim",
     "Status Volume Capacity Access_Modes StorageClass VolumeAttributesClass Age VolumeMode*",
     claim_cells},
    {"PersistentVolume",
     "Capacity Access_Modes Reclaim_Policy Status Claim StorageClass VolumeAttributesClass Reason "
     "Age VolumeMode*",
     volume_cells},
    {"StorageClass", "Provisioner ReclaimPolicy VolumeBindingMode AllowVolumeExpansion Age",
     storage_class_cells},
    {"HorizontalPodAutoscaler", "Reference Targets MinPods MaxPods Replicas Age", autoscaler_cells},
    {"PodDisruptionBudget", "Min_Available Max_Unavailable Allowed_Disruptions:integer Age",
     budget_cells},
    {"Lease", "Holder Age", lease_cells},
    {"NodeMetrics", "CPU Memory Window", usage_cells},
    {"PodMetrics", "CPU Memory Window", usage_cells},
    {"CustomResourceDefinition", "Created_At:date", created_cells},
    {"Role", "Created_At:date", created_cells},
    {"ClusterRole", "Created_At:date", created_cells},
    {"RoleBinding", "Role Age Users* Groups* ServiceAccounts*", binding_cells},
    {"ClusterRoleBinding", "Role Age Users* Groups* ServiceAccounts*", binding_cells},
    {"ResourceQuota", "Request Limit Age", quota_cells},
    {"ControllerRevision", "Controller Revision:integer Age", revision_cells},
};
constexpr std::string_view kEventColumns =
    "Last_Seen Type Reason Object Subobject* Source* Message First_Seen* Count* Name*";

Column column(std::string_view word) {
  Column out;
  if (word.ends_with('*')) {
    out.priority = 1;
    word.remove_suffix(1);
  }
  const std::size_t colon = word.find(':');
  if (colon != std::string_view::npos) out.type = word.substr(colon + 1);
  out.name = word.substr(0, colon);
  for (char& c : out.name) c = c == '_' ? ' ' : c;
  if (out.name == "Name") out.format = "name";
  out.description = out.name;
  return out;
}

std::vector<Column> columns(std::string_view words) {
  std::vector<Column> out;
  std::istringstream in{std::string(words)};
  for (std::string word; in >> word;) out.push_back(column(word));
  return out;
}

}  // namespace

std::vector<Column> columns_of(std::string_view kind) {
  if (kind == "Event") return columns(kEventColumns);
  for (const Row& row : kRows) {
    if (row.kind == kind) return columns("Name " + std::string(row.columns));
  }
  return columns("Name Age");
}

Kind::Cells cells_of(std::string_view kind) {
  if (kind == "Event") return event_cells;
  for (const Row& row : kRows) {
    if (row.kind == kind) return row.cells;
  }
  return age_cells;
}

std::string short_duration(std::int64_t s) {
  if (s < -1) return "<invalid>";
  if (s < 0) return "0s";
  constexpr std::int64_t kMinute = 60, kHour = 3600, kDay = 86400, kYear = 365 * kDay;
  const auto two = [](std::int64_t big, const char* a, std::int64_t small, const char* b) {
    return small == 0 ? fmt::format("{}{}", big, a) : fmt::format("{}{}{}{}", big, a, small, b);
  };
  if (s < 2 * kMinute) return fmt::format("{}s", s);
  if (s < 10 * kMinute) return two(s / kMinute, "m", s % kMinute, "s");
  if (s < 3 * kHour) return fmt::format("{}m", s / kMinute);
  if (s < 8 * kHour) return two(s / kHour, "h", s % kHour / kMinute, "m");
  if (s < 2 * kDay) return fmt::format("{}h", s / kHour);
  if (s < 8 * kDay) return two(s / kDay, "d", s % kDay / kHour, "h");
  if (s < 2 * kYear) return fmt::format("{}d", s / kDay);
  if (s < 8 * kYear) return two(s / kYear, "y", s % kYear / kDay, "d");
  return fmt::format("{}y", s / kYear);
}

std::string age_of(std::string_view time, std::int64_t now_s) {
  if (time.empty()) return "<unknown>";
  const auto at = parse_timestamp(time);
  return at.has_value() ? short_duration(now_s - *at) : "<invalid>";
}

Json object_age(const Json& object, std::int64_t now_s) {
  return age_of(text_at(object, {"metadata", "creationTimestamp"}), now_s);
}

std::string or_none(std::string text) { return text.empty() ? "<none>" : text; }

std::string joined(const std::vector<std::string>& parts, std::string_view with) {
  std::string out;
  for (const std::string& part : parts) {
    if (!out.empty()) out += with;
    out += part;
  }
  return out;
}

std::string selector_text(const Json& selector) {
  std::vector<std::string> parts;
  const bool is_map = !selector.contains("matchLabels") && !selector.contains("matchExpressions");
  const Json& labels = is_map ? selector : map_at(selector, {"matchLabels"});
  for (const auto& [key, value] : labels.items()) {
    if (value.is_string()) parts.push_back(key + "=" + value.get<std::string>());
  }
  for (const Json& one : list_at(selector, {"matchExpressions"})) {
    std::vector<std::string> values;
    for (const Json& value : list_at(one, {"values"})) {
      if (value.is_string()) values.push_back(value);
    }
    const std::string_view how = text_at(one, {"operator"});
    const std::string key(text_at(one, {"key"}));
    if (how == "Exists") parts.push_back(key);
    if (how == "DoesNotExist") parts.push_back("!" + key);
    if (how == "In") parts.push_back(key + " in (" + joined(values) + ")");
    if (how == "NotIn") parts.push_back(key + " notin (" + joined(values) + ")");
  }
  return or_none(joined(parts));
}

std::string container_names(const Json& pod_spec) {
  std::vector<std::string> out;
  for (const Json& one : list_at(pod_spec, {"containers"}))
    out.emplace_back(text_at(one, {"name"}));
  return joined(out);
}

std::string container_images(const Json& pod_spec) {
  std::vector<std::string> out;
  for (const Json& one : list_at(pod_spec, {"containers"}))
    out.emplace_back(text_at(one, {"image"}));
  return joined(out);
}

}  // namespace nacelle::kube::schema
