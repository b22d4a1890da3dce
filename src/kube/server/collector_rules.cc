#include "kube/server/collector_rules.h"

#include <algorithm>
#include <unordered_map>

namespace nacelle::kube::server {
namespace {

class Graph {
 public:
  explicit Graph(const std::vector<GraphNode>& nodes) : nodes_(nodes) {
    for (std::size_t i = 0; i < nodes.size(); ++i) by_uid_[nodes[i].uid] = i;
    for (std::size_t i = 0; i < nodes.size(); ++i) {
      for (const OwnerReference& owner : nodes[i].owners) {
        const GraphNode* found = owner_of(nodes[i], owner);
        if (found != nullptr) dependents_[found->uid].push_back(i);
      }
    }
  }

  // Null when the owner is absent. Names do not count: another object may have the name by now.
  [[nodiscard]] const GraphNode* owner_of(const GraphNode& node,
                                          const OwnerReference& owner) const {
    const auto found = by_uid_.find(owner.uid);
    if (found == by_uid_.end()) return nullptr;
    const GraphNode& one = nodes_[found->second];
    const bool reachable = one.key.name_space.empty() || one.key.name_space == node.key.name_space;
    return reachable ? &one : nullptr;
  }

  [[nodiscard]] const std::vector<std::size_t>& dependents_of(const GraphNode& node) const {
    static const std::vector<std::size_t> kNone;
    const auto found = dependents_.find(node.uid);
    return found == dependents_.end() ? kNone : found->second;
  }

  [[nodiscard]] bool blocks(std::size_t dependent, const GraphNode& owner) const {
    const auto& owners = nodes_[dependent].owners;
    return std::any_of(owners.begin(), owners.end(), [&](const OwnerReference& one) {
      return one.uid == owner.uid && one.blocks;
    });
  }

  [[nodiscard]] bool has_blocking_dependents(const GraphNode& owner) const {
    const auto& all = dependents_of(owner);
    return std::any_of(all.begin(), all.end(), [&](std::size_t one) { return blocks(one, owner); });
  }

 private:
  const std::vector<GraphNode>& nodes_;
  std::unordered_map<std::string, std::size_t> by_uid_;
  std::unordered_map<std::string, std::vector<std::size_t>> dependents_;
};

void collect_owner(const Graph& graph, std::size_t at, const GraphNode& owner,
                   std::vector<CollectorAction>& out) {
  if (!owner.deleting) return;
  if (owner.orphan) {
    const auto& dependents = graph.dependents_of(owner);
    for (const std::size_t one : dependents) out.push_back(DropOwners{one, {owner.uid}});
    if (dependents.empty()) out.push_back(ReleaseOwner{at, "orphan"});
  }
  if (owner.foreground && !graph.has_blocking_dependents(owner)) {
    out.push_back(ReleaseOwner{at, "foregroundDeletion"});
  }
}

void collect_dependent(const Graph& graph, std::size_t at, const GraphNode& node,
                       std::vector<CollectorAction>& out) {
  if (node.owners.empty() || node.deleting) return;
  std::vector<std::string> absent;
  std::size_t living = 0;
  std::size_t waiting = 0;  // owners that are deleted once their dependents are
  for (const OwnerReference& owner : node.owners) {
    const GraphNode* found = graph.owner_of(node, owner);
    if (found == nullptr) {
      absent.push_back(owner.uid);
    } else if (found->deleting && found->foreground) {
      ++waiting;
    } else {
      ++living;
    }
  }
  if (living > 0) {
    if (!absent.empty()) out.push_back(DropOwners{at, std::move(absent)});
    return;
  }
  out.push_back(DeleteDependent{at, waiting > 0 && graph.has_blocking_dependents(node)});
}

}  // namespace

GraphNode graph_node(std::string collection, const Json& object) {
  GraphNode out{.collection = std::move(collection),
                .key = key_of(object),
                .uid = std::string(text_at(object, {"metadata", "uid"})),
                .owners = {},
                .deleting = is_being_deleted(object)};
  for (const Json& one : list_at(object, {"metadata", "ownerReferences"})) {
    out.owners.push_back(
        {std::string(text_at(one, {"uid"})), bool_at(one, {"blockOwnerDeletion"})});
  }
  for (const Json& one : list_at(object, {"metadata", "finalizers"})) {
    out.foreground = out.foreground || one == "foregroundDeletion";
    out.orphan = out.orphan || one == "orphan";
  }
  return out;
}

std::vector<CollectorAction> collect(const std::vector<GraphNode>& nodes) {
  const Graph graph(nodes);
  std::vector<CollectorAction> out;
  for (std::size_t i = 0; i < nodes.size(); ++i) {
    collect_owner(graph, i, nodes[i], out);
    collect_dependent(graph, i, nodes[i], out);
  }
  return out;
}

}  // namespace nacelle::kube::server
