// collector_rules.h: which objects the garbage collector removes, and what it does with owners that
// wait for their dependents.
//
// Home:    pure.
// Source:  kubernetes-api.md sections 14.3 and 14.4.
#pragma once

#include <string>
#include <variant>
#include <vector>

#include "kube/object.h"

namespace nacelle::kube::server {

struct OwnerReference {
  std::string uid;
  bool blocks = false;  // blockOwnerDeletion
};

// What the collector knows of one object.
struct GraphNode {
  std::string collection;
  ObjectKey key;
  std::string uid;
  std::vector<OwnerReference> owners;
  bool deleting = false;
  bool foreground = false;  // has the finalizer foregroundDeletion
  bool orphan = false;      // has the finalizer orphan
};

[[nodiscard]] GraphNode graph_node(std::string collection, const Json& object);

// Delete the object, with dependents of its own first when `foreground`.
struct DeleteDependent {
  std::size_t node;
  bool foreground = false;
};
// Take owners out of its ownerReferences.
struct DropOwners {
  std::size_t node;
  std::vector<std::string> uids;
};
// Take the finalizer away.
struct ReleaseOwner {
  std::size_t node;
  const char* finalizer;
};
using CollectorAction = std::variant<DeleteDependent, DropOwners, ReleaseOwner>;

// Everything that is to be done with this graph; empty when it is settled. An owner counts as
// absent by its uid, and when it lives in another namespace.
[[nodiscard]] std::vector<CollectorAction> collect(const std::vector<GraphNode>& nodes);

}  // namespace nacelle::kube::server
