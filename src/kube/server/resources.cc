#include "kube/server/resources.h"

#include <algorithm>
#include <cstring>

namespace nacelle::kube::server {
namespace {

const std::vector<std::string> kAllVerbs = {"create", "delete", "deletecollection", "get",
                                            "list",   "patch",  "update",           "watch"};
const std::vector<std::string> kRead = {"get", "list"};
const std::vector<std::string> kChange = {"get", "patch", "update"};

constexpr VirtualKind kVirtual[] = {
    {"authentication.k8s.io", "v1", "selfsubjectreviews", "SelfSubjectReview", false},
    {"authentication.k8s.io", "v1", "tokenreviews", "TokenReview", false},
    {"authorization.k8s.io", "v1", "localsubjectaccessreviews", "LocalSubjectAccessReview", true},
    {"authorization.k8s.io", "v1", "selfsubjectaccessreviews", "SelfSubjectAccessReview", false},
    {"authorization.k8s.io", "v1", "selfsubjectrulesreviews", "SelfSubjectRulesReview", false},
    {"authorization.k8s.io", "v1", "subjectaccessreviews", "SubjectAccessReview", false},
    {"", "v1", "bindings", "Binding", true},
};

struct Extra {
  const char* plural;  // of the core group
  Subresource subresource;
};

const std::vector<Extra>& extras() {
  static const std::vector<Extra> kExtras = {
      {"pods", {"binding", "", "v1", "Binding", {"create"}}},
      {"pods", {"eviction", "policy", "v1", "Eviction", {"create"}}},
      {"pods", {"log", "", "v1", "Pod", {"get"}}},
      {"namespaces", {"finalize", "", "v1", "Namespace", {"update"}}},
      {"serviceaccounts", {"token", "authentication.k8s.io", "v1", "TokenRequest", {"create"}}},
  };
  return kExtras;
}

ResourceEntry entry_of(const schema::Kind& kind) {
  ResourceEntry out{.plural = kind.plural,
                    .singular = kind.singular,
                    .kind = kind.kind,
                    .namespaced = kind.namespaced,
                    .verbs = kind.computed ? kRead : kAllVerbs,
                    .short_names = kind.short_names,
                    .categories = kind.categories,
                    .subresources = {}};
  if (kind.group.empty()) {
    for (const Extra& extra : extras()) {
      if (kind.plural == extra.plural) out.subresources.push_back(extra.subresource);
    }
  }
  if (kind.scale != nullptr) {
    out.subresources.push_back({"scale", "autoscaling", "v1", "Scale", kChange});
  }
  if (kind.has_status) {
    out.subresources.push_back({"status", kind.group, kind.version, kind.kind, kChange});
  }
  return out;
}

}  // namespace

const VirtualKind* find_virtual(std::string_view group, std::string_view version,
                                std::string_view plural) {
  for (const VirtualKind& one : kVirtual) {
    if (one.group == group && one.version == version && one.plural == plural) return &one;
  }
  return nullptr;
}

std::vector<ResourceEntry> resources_of(const schema::Registry& registry, std::string_view group,
                                        std::string_view version) {
  std::vector<ResourceEntry> out;
  for (const schema::KindPtr& kind : registry.of_version(group, version)) {
    out.push_back(entry_of(*kind));
  }
  for (const VirtualKind& one : kVirtual) {
    if (one.group != group || one.version != version) continue;
    std::string singular(one.plural);
    singular.pop_back();
    out.push_back({.plural = one.plural,
                   .singular = singular,
                   .kind = one.kind,
                   .namespaced = one.namespaced,
                   .verbs = {"create"},
                   .short_names = {},
                   .categories = {},
                   .subresources = {}});
  }
  return out;
}

std::vector<GroupEntry> groups_of(const schema::Registry& registry) {
  std::vector<GroupEntry> out;
  for (const schema::Registry::Group& group : registry.groups()) {
    out.push_back({group.name, group.versions});
  }
  for (const VirtualKind& one : kVirtual) {
    if (*one.group == '\0') continue;
    const bool known = std::any_of(
        out.begin(), out.end(), [&](const GroupEntry& group) { return group.name == one.group; });
    if (!known) out.push_back({one.group, {one.version}});
  }
  return out;
}

}  // namespace nacelle::kube::server
