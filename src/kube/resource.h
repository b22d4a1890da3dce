// resource.h: which collection of the API is meant, and the path that names it.
//
// Home:    pure.
// Source:  kubernetes-api.md section 7.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace nacelle::kube {

// Constructors, and no aggregates, here and in kube/call_options.h: GCC 12 destroys a temporary
// aggregate within a co_await expression twice.
struct Resource {
  Resource() {}
  Resource(std::string group, std::string version, std::string plural)
      : group(std::move(group)), version(std::move(version)), plural(std::move(plural)) {}
  std::string group;  // "" is the core group
  std::string version;
  std::string plural;
  friend bool operator==(const Resource&, const Resource&) = default;
  [[nodiscard]] std::string to_string() const {
    return group.empty() ? plural : plural + "." + group;
  }
  // As objects name it: "v1", "apps/v1".
  [[nodiscard]] std::string api_version() const {
    return group.empty() ? version : group + "/" + version;
  }
};

// One object, or one of its subresources.
struct ObjectRef {
  ObjectRef() {}
  ObjectRef(Resource resource, std::string name_space, std::string name,
            std::string subresource = {})
      : resource(std::move(resource)),
        name_space(std::move(name_space)),
        name(std::move(name)),
        subresource(std::move(subresource)) {}
  Resource resource;
  std::string name_space;  // "" for objects of the cluster
  std::string name;
  std::string subresource;  // "status", "scale"; "" is the object itself
};

using Query = std::vector<std::pair<std::string_view, std::string>>;

// "/apis/apps/v1/namespaces/default/deployments"; "" as namespace is all of the cluster.
[[nodiscard]] std::string collection_path(const Resource& resource, std::string_view name_space);
[[nodiscard]] std::string object_path(const Resource& resource, std::string_view name_space,
                                      std::string_view name);
[[nodiscard]] std::string object_path(const ObjectRef& object);
// Adds "?a=b&c=d" with values percent-encoded; empty values are left out.
[[nodiscard]] std::string with_query(std::string path, const Query& query);

// "a=1,b=2" for the labels of a selector's map.
[[nodiscard]] std::string label_selector(
    const std::vector<std::pair<std::string, std::string>>& labels);

}  // namespace nacelle::kube
