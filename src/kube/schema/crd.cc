#include "kube/schema/crd.h"

#include <algorithm>
#include <set>

#include <fmt/format.h>

#include "kube/schema/names.h"
#include "kube/schema/openapi_schema.h"

namespace nacelle::kube::schema {
namespace {

std::string text(const Json& object, Path path) { return std::string(text_at(object, path)); }

std::vector<std::string> texts(const Json& list) {
  std::vector<std::string> out;
  for (const Json& one : list) {
    if (one.is_string()) out.push_back(one);
  }
  return out;
}

std::string lower(std::string text) {
  for (char& c : text) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
  return text;
}

std::string storage_version(const Json& crd) {
  for (const Json& version : list_at(crd, {"spec", "versions"})) {
    if (bool_at(version, {"storage"})) return text(version, {"name"});
  }
  return {};
}

void validate_versions(const Json& crd, Findings& out) {
  const Json& versions = list_at(crd, {"spec", "versions"});
  if (versions.empty()) {
    out.push_back(required("spec.versions", "must have at least one version"));
  }
  std::size_t stored = 0;
  std::set<std::string> names;
  for (std::size_t i = 0; i < versions.size(); ++i) {
    const std::string path = fmt::format("spec.versions[{}]", i);
    const std::string name = text(versions[i], {"name"});
    if (!is_dns_label(name)) out.push_back(invalid(path + ".name", name, "must be a DNS label"));
    if (!names.insert(name).second) out.push_back(duplicate(path + ".name", name));
    stored += bool_at(versions[i], {"storage"}) ? 1 : 0;
    const Json* schema = find(versions[i], {"schema", "openAPIV3Schema"});
    if (schema == nullptr || !schema->is_object()) {
      out.push_back(required(path + ".schema.openAPIV3Schema", "schemas are required"));
      continue;
    }
    (void)node_from_openapi(*schema, path + ".schema.openAPIV3Schema", out);
  }
  if (!versions.empty() && stored != 1) {
    out.push_back(invalid("spec.versions", versions.size(),
                          "must have exactly one version marked as storage version"));
  }
}

std::vector<Column> printer_columns(const Json& version) {
  std::vector<Column> out;
  out.push_back(
      {.name = "Name", .format = "name", .description = "Name", .json_path = ".metadata.name"});
  for (const Json& one : list_at(version, {"additionalPrinterColumns"})) {
    out.push_back({.name = text(one, {"name"}),
                   .type = text(one, {"type"}),
                   .format = text(one, {"format"}),
                   .priority = static_cast<int>(number_at(one, {"priority"}).value_or(0)),
                   .description = text(one, {"description"}),
                   .json_path = text(one, {"jsonPath"})});
  }
  if (out.size() == 1) {
    out.push_back({.name = "Age",
                   .type = "date",
                   .description = "Age",
                   .json_path = ".metadata.creationTimestamp"});
  }
  return out;
}

Json condition(std::string_view type, bool is_true, std::string_view reason,
               std::string_view message, std::string_view now) {
  return {{"type", type},
          {"status", is_true ? "True" : "False"},
          {"lastTransitionTime", now},
          {"reason", reason},
          {"message", message}};
}

// Keeps the time of a condition that did not change.
void keep_times(const Json& before, Json& conditions) {
  for (Json& one : conditions) {
    for (const Json& old : before) {
      const Json* time = find(old, {"lastTransitionTime"});
      const bool same = text_at(old, {"type"}) == text_at(one, {"type"}) &&
                        text_at(old, {"status"}) == text_at(one, {"status"});
      if (same && time != nullptr) one["lastTransitionTime"] = *time;
    }
  }
}

}  // namespace

void default_crd(Json& crd) {
  if (!crd.contains("spec") || !crd["spec"].is_object()) return;
  Json& spec = crd["spec"];
  if (!spec.contains("names") || !spec["names"].is_object()) return;
  Json& names = spec["names"];
  const std::string kind = text(names, {"kind"});
  if (text_at(names, {"singular"}).empty()) names["singular"] = lower(kind);
  if (text_at(names, {"listKind"}).empty()) names["listKind"] = kind + "List";
  if (!spec.contains("conversion")) spec["conversion"] = {{"strategy", "None"}};
}

std::string crd_collection(const Json& crd) {
  return text(crd, {"spec", "names", "plural"}) + "." + text(crd, {"spec", "group"});
}

Findings validate_crd(const Json& crd) {
  Findings out;
  const std::string group = text(crd, {"spec", "group"});
  const std::string plural = text(crd, {"spec", "names", "plural"});
  if (!is_dns_subdomain(group) || group.find('.') == std::string::npos) {
    out.push_back(invalid("spec.group", group, "should be a domain with at least one dot"));
  }
  if (!is_dns_label(plural)) {
    out.push_back(invalid("spec.names.plural", plural, "must be a DNS label"));
  }
  if (text_at(crd, {"spec", "names", "kind"}).empty()) {
    out.push_back(required("spec.names.kind"));
  }
  const std::string scope = text(crd, {"spec", "scope"});
  if (scope != "Namespaced" && scope != "Cluster") {
    out.push_back(unsupported("spec.scope", scope, {"Cluster", "Namespaced"}));
  }
  if (text(crd, {"metadata", "name"}) != plural + "." + group) {
    out.push_back(invalid("metadata.name", text(crd, {"metadata", "name"}),
                          "must be spec.names.plural+\".\"+spec.group"));
  }
  validate_versions(crd, out);
  return out;
}

Findings validate_crd_update(const Json& old_crd, const Json& crd) {
  Findings out;
  const auto fixed = [&](Path path, const char* field) {
    if (text_at(old_crd, path) == text_at(crd, path)) return;
    out.push_back(invalid(field, text_at(crd, path), "field is immutable"));
  };
  fixed({"spec", "group"}, "spec.group");
  fixed({"spec", "scope"}, "spec.scope");
  fixed({"spec", "names", "plural"}, "spec.names.plural");
  fixed({"spec", "names", "kind"}, "spec.names.kind");
  for (const Json& stored : list_at(old_crd, {"status", "storedVersions"})) {
    const Json& versions = list_at(crd, {"spec", "versions"});
    const bool there = std::any_of(versions.begin(), versions.end(), [&](const Json& version) {
      return text_at(version, {"name"}) == stored;
    });
    if (there) continue;
    out.push_back(invalid("status.storedVersions", stored,
                          "must appear in spec.versions: objects are stored in it"));
  }
  return out;
}

bool is_established(const Json& crd) {
  for (const Json& one : list_at(crd, {"status", "conditions"})) {
    if (text_at(one, {"type"}) == "Established") return text_at(one, {"status"}) == "True";
  }
  return false;
}

Json crd_status(const Json& crd, const NameClash& clash, std::string_view now) {
  Json status = map_at(crd, {"status"});
  Json conditions = Json::array();
  if (clash.reason.empty()) {
    conditions.push_back(
        condition("NamesAccepted", true, "NoConflicts", "no conflicts found", now));
    conditions.push_back(condition("Established", true, "InitialNamesAccepted",
                                   "the initial names have been accepted", now));
    status["acceptedNames"] = map_at(crd, {"spec", "names"});
  } else {
    conditions.push_back(condition("NamesAccepted", false, clash.reason,
                                   fmt::format("\"{}\" is already in use", clash.name), now));
    conditions.push_back(
        condition("Established", false, "NotAccepted", "not all names are accepted", now));
    status["acceptedNames"] = {{"plural", ""}, {"kind", ""}};
  }
  keep_times(list_at(crd, {"status", "conditions"}), conditions);
  status["conditions"] = std::move(conditions);
  Json stored = list_at(crd, {"status", "storedVersions"});
  const std::string version = storage_version(crd);
  if (std::find(stored.begin(), stored.end(), version) == stored.end()) stored.push_back(version);
  status["storedVersions"] = std::move(stored);
  return status;
}

std::vector<KindPtr> kinds_of_crd(const Json& crd, const Converter& converter) {
  std::vector<KindPtr> out;
  const std::string group = text(crd, {"spec", "group"});
  const std::string stored = group + "/" + storage_version(crd);
  for (const Json& version : list_at(crd, {"spec", "versions"})) {
    if (!bool_at(version, {"served"})) continue;
    auto kind = std::make_shared<Kind>();
    kind->group = group;
    kind->version = text(version, {"name"});
    kind->kind = text(crd, {"spec", "names", "kind"});
    kind->list_kind = text(crd, {"spec", "names", "listKind"});
    kind->plural = text(crd, {"spec", "names", "plural"});
    kind->singular = text(crd, {"spec", "names", "singular"});
    kind->short_names = texts(list_at(crd, {"spec", "names", "shortNames"}));
    kind->categories = texts(list_at(crd, {"spec", "names", "categories"}));
    kind->namespaced = text_at(crd, {"spec", "scope"}) == "Namespaced";
    kind->custom = true;
    kind->counts_generation = true;
    kind->has_status = find(version, {"subresources", "status"}) != nullptr;
    if (const Json* scale = find(version, {"subresources", "scale"})) {
      auto paths = std::make_shared<ScalePaths>();
      paths->spec_replicas = text(*scale, {"specReplicasPath"});
      paths->status_replicas = text(*scale, {"statusReplicasPath"});
      paths->selector = text(*scale, {"labelSelectorPath"});
      kind->scale = paths;
    }
    if (bool_at(version, {"deprecated"})) {
      kind->warning = text(version, {"deprecationWarning"});
      if (kind->warning.empty()) {
        kind->warning = fmt::format("{} {} is deprecated", kind->api_version(), kind->kind);
      }
    }
    kind->collection = crd_collection(crd);
    kind->storage_version = stored;
    const Json& schema = map_at(version, {"schema", "openAPIV3Schema"});
    Findings ignored;
    kind->node = node_from_openapi(schema, "", ignored);
    auto merge = schema_from_openapi(schema);
    kind->merge = merge.ok() ? std::make_shared<const MergeSchema>(std::move(*merge))
                             : std::make_shared<const MergeSchema>(plain_schema());
    kind->columns = printer_columns(version);
    for (const Json& field : list_at(version, {"selectableFields"})) {
      std::string path = text(field, {"jsonPath"});
      if (path.starts_with('.')) kind->selectable.push_back(path.substr(1));
    }
    if (converter && kind->api_version() != stored) {
      const std::string here = kind->version;
      const std::string there = storage_version(crd);
      kind->to_storage = [converter, there](Json object) {
        return converter(std::move(object), there);
      };
      kind->from_storage = [converter, here](Json object) {
        return converter(std::move(object), here);
      };
    }
    out.push_back(std::move(kind));
  }
  return out;
}

}  // namespace nacelle::kube::schema
