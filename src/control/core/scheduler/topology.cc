#include "control/core/scheduler/topology.h"

#include <algorithm>

namespace nacelle::control::scheduler {
namespace {

const std::string* value_of(const NodeOffer& node, const std::string& key) {
  const auto found = node.labels.find(key);
  return found == node.labels.end() ? nullptr : &found->second;
}

}  // namespace

Topology::Topology(const PodDemand& pod, std::span<const NodeOffer> nodes)
    : pod_(pod), near_(pod.relations.near.size()), spread_(pod.relations.spread.size()) {
  count_domains(nodes);
  for (const NodeOffer& node : nodes) {
    for (const auto& there : node.placed) see(node, there->relations);
  }
}

// Domains without a pod count, too.
void Topology::count_domains(std::span<const NodeOffer> nodes) {
  for (std::size_t i = 0; i < spread_.size(); ++i) {
    for (const NodeOffer& node : nodes) {
      const std::string* value = value_of(node, pod_.relations.spread[i].topology_key);
      if (value != nullptr && is_selected(pod_, node)) spread_[i].try_emplace(*value, 0);
    }
  }
}

void Topology::see(const NodeOffer& node, const PodRelations& there) {
  const PodRelations& own = pod_.relations;
  for (const PodTerm& term : there.apart) {
    const std::string* value = value_of(node, term.topology_key);
    if (value != nullptr && means(term, there.name_space, own)) {
      kept_out_.emplace(term.topology_key, *value);
    }
  }
  for (const PodTerm& term : own.apart) {
    const std::string* value = value_of(node, term.topology_key);
    if (value != nullptr && means(term, own.name_space, there)) {
      apart_.emplace(term.topology_key, *value);
    }
  }
  for (std::size_t i = 0; i < own.near.size(); ++i) {
    const std::string* value = value_of(node, own.near[i].topology_key);
    if (value != nullptr && means(own.near[i], own.name_space, there)) near_[i].insert(*value);
  }
  for (const PodTerm& term : own.preferred) {
    const std::string* value = value_of(node, term.topology_key);
    if (value != nullptr && means(term, own.name_space, there)) {
      preferred_[{term.topology_key, *value}] += term.weight;
    }
  }
  for (std::size_t i = 0; i < own.spread.size(); ++i) {
    const SpreadConstraint& spread = own.spread[i];
    const std::string* value = value_of(node, spread.topology_key);
    if (value == nullptr || there.name_space != own.name_space) continue;
    const auto counted = spread_[i].find(*value);
    if (counted != spread_[i].end() && spread.pods.matches(there.labels)) ++counted->second;
  }
}

bool Topology::is_near(const NodeOffer& node, std::size_t term) const {
  const PodTerm& wanted = pod_.relations.near[term];
  const std::string* value = value_of(node, wanted.topology_key);
  if (value == nullptr) return false;
  // The first of a group that wants to be together has nobody to go to.
  if (near_[term].empty()) return means(wanted, pod_.relations.name_space, pod_.relations);
  return near_[term].contains(*value);
}

bool Topology::is_even(const NodeOffer& node, std::size_t constraint) const {
  const SpreadConstraint& wanted = pod_.relations.spread[constraint];
  const std::string* value = value_of(node, wanted.topology_key);
  if (value == nullptr) return false;
  const auto& counts = spread_[constraint];
  const auto here = counts.find(*value);
  if (here == counts.end()) return true;  // not one of its nodes: something else says so
  const auto least =
      std::min_element(counts.begin(), counts.end(),
                       [](const auto& a, const auto& b) { return a.second < b.second; });
  const std::int64_t self = wanted.pods.matches(pod_.relations.labels) ? 1 : 0;
  return here->second + self - least->second <= wanted.max_skew;
}

std::optional<std::string> Topology::refusal(const NodeOffer& node) const {
  for (const auto& [key, value] : kept_out_) {
    const std::string* own = value_of(node, key);
    if (own != nullptr && *own == value) {
      return "node(s) didn't satisfy existing pods anti-affinity rules";
    }
  }
  for (const auto& [key, value] : apart_) {
    const std::string* own = value_of(node, key);
    if (own != nullptr && *own == value) return "node(s) didn't match pod anti-affinity rules";
  }
  for (std::size_t i = 0; i < near_.size(); ++i) {
    if (!is_near(node, i)) return "node(s) didn't match pod affinity rules";
  }
  for (std::size_t i = 0; i < spread_.size(); ++i) {
    if (pod_.relations.spread[i].required && !is_even(node, i)) {
      return "node(s) didn't match pod topology spread constraints";
    }
  }
  return std::nullopt;
}

std::int64_t Topology::preference(const NodeOffer& node) const {
  std::int64_t out = 0;
  for (const auto& [domain, weight] : preferred_) {
    const std::string* own = value_of(node, domain.first);
    if (own != nullptr && *own == domain.second) out += weight;
  }
  for (std::size_t i = 0; i < spread_.size(); ++i) {
    const std::string* own = value_of(node, pod_.relations.spread[i].topology_key);
    const auto here = own == nullptr ? spread_[i].end() : spread_[i].find(*own);
    if (here != spread_[i].end()) out -= here->second;
  }
  return out;
}

}  // namespace nacelle::control::scheduler
