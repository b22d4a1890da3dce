// resources.h: what discovery lists of a group version: kinds with their subresources, and the
// endpoints that hold no objects.
//
// Home:    pure.
// Source:  kubernetes-api.md sections 4 and 15.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "kube/schema/kind.h"

namespace nacelle::kube::server {

struct Subresource {
  std::string name;                  // "status"
  std::string group, version, kind;  // of its bodies
  std::vector<std::string> verbs;
};

struct ResourceEntry {
  std::string plural, singular, kind;
  bool namespaced = true;
  std::vector<std::string> verbs, short_names, categories;
  std::vector<Subresource> subresources;
};

[[nodiscard]] std::vector<ResourceEntry> resources_of(const schema::Registry& registry,
                                                      std::string_view group,
                                                      std::string_view version);

// Group versions in the order of discovery, without core; groups of endpoints included.
struct GroupEntry {
  std::string name;
  std::vector<std::string> versions;
};
[[nodiscard]] std::vector<GroupEntry> groups_of(const schema::Registry& registry);

// Reviews and the like: POST only, nothing is stored.
struct VirtualKind {
  const char* group;
  const char* version;
  const char* plural;
  const char* kind;
  bool namespaced;
};
[[nodiscard]] const VirtualKind* find_virtual(std::string_view group, std::string_view version,
                                              std::string_view plural);

}  // namespace nacelle::kube::server
