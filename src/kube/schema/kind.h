// kind.h: one served version of a kind, and all kinds that are served.
//
// A registry is immutable; a CRD that comes or goes makes another one (server/registry_source.h).
//
// Home:    any thread.
// Source:  kubernetes-api.md sections 4, 7, 17, 18.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "kube/merge_schema.h"
#include "kube/object.h"
#include "kube/schema/node.h"

namespace nacelle::kube::schema {

// A column of `kubectl get`.
struct Column {
  std::string name;
  std::string type = "string";
  std::string format;
  int priority = 0;  // 1: only with -o wide
  std::string description;
  std::string json_path;  // of a CRD; "" for built-in kinds
};

struct ScalePaths {
  std::string spec_replicas = ".spec.replicas";
  std::string status_replicas = ".status.replicas";
  std::string selector;  // a path to a text; "" with `selector_of_spec`: spec.selector
  bool selector_of_spec = false;
};

struct Kind {
  std::string group;  // "" is core
  std::string version;
  std::string kind;
  std::string list_kind;
  std::string plural;
  std::string singular;
  std::vector<std::string> short_names;
  std::vector<std::string> categories;
  bool namespaced = true;

  bool custom = false;      // of a CRD: its rules for versions, patches and errors
  bool computed = false;    // stored nowhere: read from an ObjectSource, where the server has one
  bool has_status = false;  // the status subresource
  bool counts_generation = false;
  bool create_on_update = false;            // a PUT of an absent object makes it
  std::shared_ptr<const ScalePaths> scale;  // null: no scale subresource
  std::string warning;                      // said with every answer; "" is none

  std::string collection;       // in the store; shared by all versions
  std::string storage_version;  // apiVersion of what is stored
  NodePtr node;
  std::shared_ptr<const MergeSchema> merge;
  std::vector<Column> columns;
  // The cells of a row, one per column; null for CRDs.
  using Cells = Json (*)(const Json& object, std::int64_t now_s);
  Cells cells = nullptr;
  std::vector<std::string> selectable;  // field selectors beside metadata.name and .namespace
  // Between this version and the stored one; null: only apiVersion differs.
  std::function<Json(Json)> to_storage, from_storage;

  [[nodiscard]] std::string api_version() const {
    return group.empty() ? version : group + "/" + version;
  }
  // "deployments.apps", as errors name it.
  [[nodiscard]] std::string qualified() const {
    return group.empty() ? plural : plural + "." + group;
  }
};
using KindPtr = std::shared_ptr<const Kind>;

class Registry {
 public:
  explicit Registry(std::vector<KindPtr> kinds);

  // Null when not served.
  [[nodiscard]] KindPtr find(std::string_view group, std::string_view version,
                             std::string_view plural) const;
  [[nodiscard]] KindPtr find_kind(std::string_view api_version, std::string_view kind) const;
  // The preferred version of a collection of the store.
  [[nodiscard]] KindPtr of_collection(std::string_view collection) const;
  [[nodiscard]] bool has_version(std::string_view group, std::string_view version) const;

  struct Group {
    std::string name;
    std::vector<std::string> versions;  // the preferred one first
  };
  [[nodiscard]] const std::vector<Group>& groups() const { return groups_; }  // without core
  [[nodiscard]] const std::vector<KindPtr>& kinds() const { return kinds_; }
  [[nodiscard]] std::vector<KindPtr> of_version(std::string_view group,
                                                std::string_view version) const;

 private:
  std::vector<KindPtr> kinds_;
  std::map<std::string, KindPtr, std::less<>> by_path_;  // "group/version/plural"
  std::map<std::string, KindPtr, std::less<>> by_kind_;  // "apiVersion/Kind"
  std::map<std::string, KindPtr, std::less<>> by_collection_;
  std::vector<Group> groups_;
};

// GA before beta before alpha, higher numbers first; other names last, by name.
[[nodiscard]] bool version_before(std::string_view a, std::string_view b);

// Every kind that needs no CRD, in the order of discovery.
[[nodiscard]] const std::vector<KindPtr>& builtin_kinds();

}  // namespace nacelle::kube::schema
