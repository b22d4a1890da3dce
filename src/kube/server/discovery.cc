// discovery.cc: the lists of what is served, in the form of old and the aggregated one.
#include "base/check.h"
#include "kube/server/documents.h"
#include "kube/server/resources.h"

namespace nacelle::kube::server {
namespace {

std::string join(std::string_view group, std::string_view version) {
  return group.empty() ? std::string(version) : std::string(group) + "/" + std::string(version);
}

Json aggregated_resource(const ResourceEntry& entry, std::string_view group,
                         std::string_view version) {
  Json out = {{"resource", entry.plural},
              {"responseKind", {{"group", group}, {"version", version}, {"kind", entry.kind}}},
              {"scope", entry.namespaced ? "Namespaced" : "Cluster"},
              {"singularResource", entry.singular},
              {"verbs", entry.verbs}};
  if (!entry.short_names.empty()) out["shortNames"] = entry.short_names;
  if (!entry.categories.empty()) out["categories"] = entry.categories;
  for (const Subresource& one : entry.subresources) {
    out["subresources"].push_back(
        {{"subresource", one.name},
         {"responseKind", {{"group", one.group}, {"version", one.version}, {"kind", one.kind}}},
         {"verbs", one.verbs}});
  }
  return out;
}

Json aggregated_version(const schema::Registry& registry, std::string_view group,
                        std::string_view version) {
  Json resources = Json::array();
  for (const ResourceEntry& entry : resources_of(registry, group, version)) {
    resources.push_back(aggregated_resource(entry, group, version));
  }
  return {{"version", version}, {"freshness", "Current"}, {"resources", std::move(resources)}};
}

}  // namespace

Json aggregated_discovery(const schema::Registry& registry, bool core) {
  Json items = Json::array();
  if (core) {
    items.push_back({{"metadata", Json::object()},
                     {"versions", Json::array({aggregated_version(registry, "", "v1")})}});
  } else {
    for (const GroupEntry& group : groups_of(registry)) {
      Json versions = Json::array();
      for (const std::string& version : group.versions) {
        versions.push_back(aggregated_version(registry, group.name, version));
      }
      items.push_back({{"metadata", {{"name", group.name}}}, {"versions", std::move(versions)}});
    }
  }
  return {{"kind", "APIGroupDiscoveryList"},
          {"apiVersion", "apidiscovery.k8s.io/v2"},
          {"metadata", Json::object()},
          {"items", std::move(items)}};
}

Json legacy_resources(const schema::Registry& registry, std::string_view group,
                      std::string_view version) {
  Json resources = Json::array();
  for (const ResourceEntry& entry : resources_of(registry, group, version)) {
    Json one = {{"name", entry.plural},
                {"singularName", entry.singular},
                {"namespaced", entry.namespaced},
                {"kind", entry.kind},
                {"verbs", entry.verbs}};
    if (!entry.short_names.empty()) one["shortNames"] = entry.short_names;
    if (!entry.categories.empty()) one["categories"] = entry.categories;
    resources.push_back(std::move(one));
    for (const Subresource& sub : entry.subresources) {
      Json below = {{"name", entry.plural + "/" + sub.name},
                    {"singularName", ""},
                    {"namespaced", entry.namespaced},
                    {"kind", sub.kind},
                    {"verbs", sub.verbs}};
      if (sub.group != group || sub.version != version) {
        below["group"] = sub.group;
        below["version"] = sub.version;
      }
      resources.push_back(std::move(below));
    }
  }
  return {{"kind", "APIResourceList"},
          {"apiVersion", "v1"},
          {"groupVersion", join(group, version)},
          {"resources", std::move(resources)}};
}

Json legacy_group(const schema::Registry::Group& group) {
  Json versions = Json::array();
  for (const std::string& version : group.versions) {
    versions.push_back({{"groupVersion", join(group.name, version)}, {"version", version}});
  }
  CHECK(!versions.empty());
  const Json preferred = versions.front();
  return {{"name", group.name}, {"versions", std::move(versions)}, {"preferredVersion", preferred}};
}

Json legacy_groups(const schema::Registry& registry) {
  Json groups = Json::array();
  for (const GroupEntry& group : groups_of(registry)) {
    groups.push_back(legacy_group({group.name, group.versions}));
  }
  return {{"kind", "APIGroupList"}, {"apiVersion", "v1"}, {"groups", std::move(groups)}};
}

std::vector<std::string> group_version_paths(const schema::Registry& registry) {
  std::vector<std::string> out = {"api/v1"};
  for (const GroupEntry& group : groups_of(registry)) {
    for (const std::string& version : group.versions) {
      out.push_back("apis/" + group.name + "/" + version);
    }
  }
  return out;
}

}  // namespace nacelle::kube::server
