#include "cli/kube/catalog.h"

#include <algorithm>
#include <utility>

namespace nacelle::cli {
namespace {

using kube::Json;
using kube::text_at;

constexpr const char* kAggregated =
    "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList,application/json";

std::string lower(std::string_view text) {
  std::string out(text);
  for (char& c : out) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  return out;
}

std::vector<std::string> texts(const Json& list) {
  std::vector<std::string> out;
  for (const Json& each : list) {
    if (each.is_string()) out.push_back(each.get<std::string>());
  }
  return out;
}

bool has(const std::vector<std::string>& list, std::string_view text) {
  return std::find(list.begin(), list.end(), text) != list.end();
}

void take_aggregated(const Json& answer, std::vector<ResourceType>& out) {
  for (const Json& group : kube::list_at(answer, {"items"})) {
    for (const Json& version : kube::list_at(group, {"versions"})) {
      for (const Json& each : kube::list_at(version, {"resources"})) {
        ResourceType type;
        type.resource = {std::string(text_at(group, {"metadata", "name"})),
                         std::string(text_at(version, {"version"})),
                         std::string(text_at(each, {"resource"}))};
        type.kind = text_at(each, {"responseKind", "kind"});
        type.singular = text_at(each, {"singularResource"});
        type.namespaced = text_at(each, {"scope"}) != "Cluster";
        type.short_names = texts(kube::list_at(each, {"shortNames"}));
        type.categories = texts(kube::list_at(each, {"categories"}));
        type.verbs = texts(kube::list_at(each, {"verbs"}));
        out.push_back(std::move(type));
      }
    }
  }
}

void take_list(const Json& answer, std::vector<ResourceType>& out) {
  const std::string group_version(text_at(answer, {"groupVersion"}));
  const std::size_t slash = group_version.find('/');
  const bool core = slash == std::string::npos;
  for (const Json& each : kube::list_at(answer, {"resources"})) {
    const std::string name(text_at(each, {"name"}));
    if (name.find('/') != std::string::npos) continue;  // a subresource
    ResourceType type;
    type.resource = {core ? "" : group_version.substr(0, slash),
                     core ? group_version : group_version.substr(slash + 1), name};
    type.kind = text_at(each, {"kind"});
    type.singular = text_at(each, {"singularName"});
    type.namespaced = kube::bool_at(each, {"namespaced"});
    type.short_names = texts(kube::list_at(each, {"shortNames"}));
    type.categories = texts(kube::list_at(each, {"categories"}));
    type.verbs = texts(kube::list_at(each, {"verbs"}));
    out.push_back(std::move(type));
  }
}

// The group versions of an APIGroupList, preferred ones first within their group.
std::vector<std::string> paths_of(const Json& groups) {
  std::vector<std::string> out;
  for (const Json& group : kube::list_at(groups, {"groups"})) {
    const std::string preferred(text_at(group, {"preferredVersion", "groupVersion"}));
    if (!preferred.empty()) out.push_back("/apis/" + preferred);
    for (const Json& version : kube::list_at(group, {"versions"})) {
      const std::string name(text_at(version, {"groupVersion"}));
      if (name != preferred && !name.empty()) out.push_back("/apis/" + name);
    }
  }
  return out;
}

bool is_named(const ResourceType& type, std::string_view word) {
  const std::string plain = lower(word);
  return plain == type.resource.plural || plain == lower(type.kind) || plain == type.singular ||
         has(type.short_names, plain);
}

// "deployments", "deployments.apps" or "deployments.v1.apps".
bool is_meant(const ResourceType& type, std::string_view word) {
  if (is_named(type, word)) return true;
  const std::size_t dot = word.find('.');
  if (dot == word.npos || !is_named(type, word.substr(0, dot))) return false;
  const std::string rest = lower(word.substr(dot + 1));
  const kube::Resource& resource = type.resource;
  return rest == resource.group || rest == resource.version + "." + resource.group ||
         (resource.group.empty() && rest == resource.version);
}

kube::Call discovery(std::string path) {
  kube::Call out(std::move(path));
  out.accept = kAggregated;
  return out;
}

}  // namespace

bool ResourceType::can(std::string_view verb) const { return verbs.empty() || has(verbs, verb); }

std::string ResourceType::label(std::string_view name) const {
  const std::string one = singular.empty() ? lower(kind) : singular;
  return one + (resource.group.empty() ? "" : "." + resource.group) + "/" + std::string(name);
}

KindCatalog KindCatalog::parse(const std::vector<Json>& answers) {
  KindCatalog out;
  for (const Json& answer : answers) {
    if (text_at(answer, {"kind"}) == "APIGroupDiscoveryList")
      take_aggregated(answer, out.types_);
    else
      take_list(answer, out.types_);
  }
  return out;
}

async::Task<Result<KindCatalog>> KindCatalog::load(kube::Client& client) {
  std::vector<Json> answers;
  for (const char* root : {"/api", "/apis"}) {
    auto answer = co_await client.call(discovery(root));
    if (const Status status = kube::status_of(answer); !status.ok()) co_return status;
    if (text_at(answer->body, {"kind"}) == "APIGroupDiscoveryList") {
      answers.push_back(std::move(answer->body));
      continue;
    }
    std::vector<std::string> paths = paths_of(answer->body);
    for (const std::string& version : texts(kube::list_at(answer->body, {"versions"}))) {
      paths.push_back("/api/" + version);
    }
    for (std::string& path : paths) {
      auto list = co_await client.call(discovery(std::move(path)));
      if (!list.ok()) co_return list.error();
      // One group that is broken leaves the others usable.
      if (list->ok()) answers.push_back(std::move(list->body));
    }
  }
  co_return parse(answers);
}

Result<std::vector<ResourceType>> KindCatalog::find(std::string_view word) const {
  for (const ResourceType& type : types_) {
    if (is_meant(type, word)) return std::vector<ResourceType>{type};
  }
  std::vector<ResourceType> out;
  for (const ResourceType& type : types_) {
    const bool seen = std::any_of(out.begin(), out.end(), [&](const ResourceType& each) {
      return each.resource.group == type.resource.group &&
             each.resource.plural == type.resource.plural;
    });
    if (!seen && has(type.categories, lower(word)) && type.can("list")) out.push_back(type);
  }
  if (!out.empty()) return out;
  return not_found("the server doesn't have a resource type \"{}\"", word);
}

std::optional<ResourceType> KindCatalog::of_object(const Json& object) const {
  for (const ResourceType& type : types_) {
    if (type.resource.api_version() == text_at(object, {"apiVersion"}) &&
        type.kind == text_at(object, {"kind"})) {
      return type;
    }
  }
  return std::nullopt;
}

}  // namespace nacelle::cli
