#include "control/core/scheduler/place.h"

#include <algorithm>
#include <cstdint>
#include <set>

#include "control/core/scheduler/topology.h"
#include "kube/object.h"

namespace nacelle::control::scheduler {
namespace {

__extension__ using Wide = __int128;

constexpr std::int64_t kFull = 10'000;  // points of a perfect node
constexpr std::string_view kLost = "lost";

Quantity amount(const pod::Resources& resources, const std::string& name) {
  const auto found = resources.find(name);
  return found == resources.end() ? Quantity() : found->second;
}

// Taints that keep a pod from being started there.
std::optional<std::string> taint_refusal(const PodDemand& pod, const NodeOffer& node) {
  for (const Taint& taint : node.taints) {
    if (taint.effect != kNoSchedule && taint.effect != kNoExecute) continue;
    if (tolerates(pod.tolerations, taint)) continue;
    if (taint.key == kUnreachableTaint) return std::string(kLost);
    if (taint.key == kNotReadyTaint) return "node(s) were not ready";
    if (taint.key == kUnschedulableTaint) return "node(s) were unschedulable";
    return fmt::format("node(s) had untolerated taint {{{}: {}}}", taint.key, taint.value);
  }
  return std::nullopt;
}

std::vector<std::string> lacking(const PodDemand& pod, const NodeOffer& node) {
  std::vector<std::string> out;
  const auto room = node.allocatable.find("pods");
  if (room != node.allocatable.end() &&
      static_cast<std::int64_t>(node.pods) >= room->second.value()) {
    out.emplace_back("Too many pods");
  }
  for (const auto& [name, request] : pod.requests) {
    if (request <= Quantity()) continue;
    Quantity sum = amount(node.used, name);
    sum += request;
    if (sum > amount(node.allocatable, name)) out.push_back("Insufficient " + name);
  }
  return out;
}

// Share of `whole` that `part` is, in points; 0 of nothing.
std::int64_t share(std::int64_t part, std::int64_t whole) {
  if (whole <= 0 || part <= 0) return 0;
  return static_cast<std::int64_t>(Wide{std::min(part, whole)} * kFull / whole);
}

// What is left of the node with the pod on it: the mean over cpu, memory, places for pods, and the
// accelerators that the pod asks for.
std::int64_t left_over(const PodDemand& pod, const NodeOffer& node) {
  std::set<std::string> resources = {"cpu", "memory", "pods"};
  for (const auto& [name, request] : pod.requests) {
    if (name.find('/') != std::string::npos) resources.insert(name);
  }
  std::int64_t points = 0;
  std::int64_t counted = 0;
  for (const std::string& name : resources) {
    const Quantity all = amount(node.allocatable, name);
    if (all <= Quantity()) continue;
    Quantity left = all;
    if (name == "pods") {
      left -= Quantity(static_cast<std::int64_t>(node.pods) + 1);
    } else {
      left -= amount(node.used, name);
      left -= amount(pod.requests, name);
    }
    points += share(left.milli(), all.milli());
    ++counted;
  }
  return counted == 0 ? 0 : points / counted;
}

struct Candidate {
  const NodeOffer* node = nullptr;
  std::int64_t of_owner = 0;   // pods there
  std::int64_t preferred = 0;  // weights that match
  std::int64_t avoided = 0;    // taints PreferNoSchedule
  std::int64_t company = 0;    // of other pods; may be negative
};

Candidate candidate_of(const PodDemand& pod, const NodeOffer& node) {
  Candidate out{.node = &node};
  if (const auto found = node.by_owner.find(pod.owner);
      !pod.owner.empty() && found != node.by_owner.end()) {
    out.of_owner = static_cast<std::int64_t>(found->second);
  }
  for (const auto& [weight, term] : pod.preferred) {
    if (matches(term, node.name, node.labels)) out.preferred += weight;
  }
  for (const Taint& taint : node.taints) {
    if (taint.effect == kPreferNoSchedule && !tolerates(pod.tolerations, taint)) ++out.avoided;
  }
  return out;
}

std::string counted(std::size_t count, const std::string& reason) {
  if (reason != kLost) return fmt::format("{} {}", count, reason);
  return count == 1 ? "1 node was lost" : fmt::format("{} nodes were lost", count);
}

std::string explain(std::size_t nodes, const std::map<std::string, std::size_t>& reasons) {
  if (nodes == 0) return "no nodes available to schedule pods";
  std::vector<std::pair<std::string, std::size_t>> sorted(reasons.begin(), reasons.end());
  std::stable_sort(sorted.begin(), sorted.end(),
                   [](const auto& a, const auto& b) { return a.second > b.second; });
  std::string out = fmt::format("0/{} nodes are available: ", nodes);
  for (const auto& [reason, count] : sorted) {
    if (!out.ends_with(' ')) out += ", ";
    out += counted(count, reason);
  }
  return out;
}

}  // namespace

void NodeOffer::take(std::shared_ptr<const PodDemand> pod) {
  ++pods;
  for (const auto& [name, request] : pod->requests) used[name] += request;
  if (!pod->owner.empty()) ++by_owner[pod->owner];
  placed.push_back(std::move(pod));
}

bool is_selected(const PodDemand& pod, const NodeOffer& node) {
  for (const auto& [name, value] : pod.node_selector) {
    const auto found = node.labels.find(name);
    if (found == node.labels.end() || found->second != value) return false;
  }
  return !pod.required || matches(*pod.required, node.name, node.labels);
}

NodeOffer node_offer(const kube::Json& node) {
  NodeOffer out;
  out.name = kube::text_at(node, {"metadata", "name"});
  for (const auto& [name, value] : kube::map_at(node, {"metadata", "labels"}).items()) {
    if (value.is_string()) out.labels[name] = value.get<std::string>();
  }
  out.taints = taints_of(node);
  out.unschedulable = kube::bool_at(node, {"spec", "unschedulable"});
  const kube::Json* allocatable = kube::find(node, {"status", "allocatable"});
  if (allocatable == nullptr) allocatable = &kube::map_at(node, {"status", "capacity"});
  if (!allocatable->is_object()) return out;
  for (const auto& [name, value] : allocatable->items()) {
    const Result<Quantity> parsed = Quantity::from_json(value);
    if (parsed.ok()) out.allocatable[name] = *parsed;
  }
  return out;
}

std::vector<std::string> refusals(const PodDemand& pod, const NodeOffer& node) {
  if (auto refusal = taint_refusal(pod, node)) return {std::move(*refusal)};
  const Taint cordon{std::string(kUnschedulableTaint), "", std::string(kNoSchedule)};
  if (node.unschedulable && !tolerates(pod.tolerations, cordon)) {
    return {"node(s) were unschedulable"};
  }
  if (!is_selected(pod, node)) return {"node(s) didn't match Pod's node affinity/selector"};
  for (const NodeTerms& terms : pod.volumes) {
    if (!matches(terms, node.name, node.labels)) {
      return {"node(s) had volume node affinity conflict"};
    }
  }
  return lacking(pod, node);
}

Placement place(const PodDemand& pod, std::span<const NodeOffer> nodes) {
  if (!pod.waits_for.empty()) {
    return {"", fmt::format("0/{} nodes are available: {}", nodes.size(), pod.waits_for)};
  }
  const Topology topology(pod, nodes);
  std::vector<Candidate> candidates;
  std::map<std::string, std::size_t> reasons;
  for (const NodeOffer& node : nodes) {
    std::vector<std::string> against = refusals(pod, node);
    if (against.empty()) {
      if (auto refusal = topology.refusal(node)) against.push_back(std::move(*refusal));
    }
    for (const std::string& reason : against) ++reasons[reason];
    if (!against.empty()) continue;
    candidates.push_back(candidate_of(pod, node));
    candidates.back().company = topology.preference(node);
  }
  if (candidates.empty()) return {"", explain(nodes.size(), reasons)};
  for (const Candidate& one : candidates) {
    if (one.node->name == pod.selected_node) return {pod.selected_node, ""};
  }
  Candidate most;
  std::int64_t least_company = candidates.front().company;
  most.company = least_company;
  for (const Candidate& one : candidates) {
    least_company = std::min(least_company, one.company);
    most.company = std::max(most.company, one.company);
    most.of_owner = std::max(most.of_owner, one.of_owner);
    most.preferred = std::max(most.preferred, one.preferred);
    most.avoided = std::max(most.avoided, one.avoided);
  }
  const NodeOffer* best = nullptr;
  std::int64_t best_points = 0;
  for (const Candidate& one : candidates) {
    const std::int64_t points =
        left_over(pod, *one.node) + 2 * share(most.of_owner - one.of_owner, most.of_owner) +
        2 * share(one.preferred, most.preferred) +
        2 * share(one.company - least_company, most.company - least_company) +
        3 * share(most.avoided - one.avoided, most.avoided);
    if (best != nullptr && points <= best_points) continue;
    best = one.node;
    best_points = points;
  }
  return {best->name, ""};
}

}  // namespace nacelle::control::scheduler
