#include "control/core/scheduler/pod_affinity.h"

#include <algorithm>
#include <string_view>

namespace nacelle::control::scheduler {
namespace {

using kube::Json;
using kube::list_at;
using kube::map_at;
using kube::text_at;

constexpr std::string_view kRequired = "requiredDuringSchedulingIgnoredDuringExecution";
constexpr std::string_view kPreferred = "preferredDuringSchedulingIgnoredDuringExecution";
constexpr std::int64_t kMostWeight = 100;  // as the API has it

LabelSelector label_selector(const Json* selector) {
  LabelSelector out;
  if (selector == nullptr) return out;
  out.nothing = false;
  for (const auto& [name, value] : map_at(*selector, {"matchLabels"}).items()) {
    if (value.is_string()) out.labels[name] = value.get<std::string>();
  }
  out.expressions = node_expressions(list_at(*selector, {"matchExpressions"}));
  return out;
}

PodTerm pod_term(const Json& from) {
  PodTerm out;
  out.topology_key = text_at(from, {"topologyKey"});
  out.pods = label_selector(kube::find(from, {"labelSelector"}));
  for (const Json& name : list_at(from, {"namespaces"})) {
    if (name.is_string()) out.namespaces.push_back(name.get<std::string>());
  }
  if (const Json* spaces = kube::find(from, {"namespaceSelector"})) {
    out.spaces = label_selector(spaces);
  }
  return out;
}

void add_terms(const Json& pod, std::string_view kind, std::vector<PodTerm>& required,
               std::int64_t sign, std::vector<PodTerm>& preferred) {
  const Json* affinity = kube::find(pod, {"spec", "affinity", kind});
  if (affinity == nullptr) return;
  for (const Json& one : list_at(*affinity, {kRequired})) required.push_back(pod_term(one));
  for (const Json& one : list_at(*affinity, {kPreferred})) {
    PodTerm term = pod_term(map_at(one, {"podAffinityTerm"}));
    term.weight = sign * std::clamp<std::int64_t>(kube::number_at(one, {"weight"}).value_or(1), 0,
                                                  kMostWeight);
    preferred.push_back(std::move(term));
  }
}

}  // namespace

bool LabelSelector::matches(const pod::StringMap& of) const {
  if (nothing) return false;
  const auto value_of = [&](const std::string& name) {
    const auto found = of.find(name);
    return found == of.end() ? nullptr : &found->second;
  };
  for (const auto& [name, wanted] : labels) {
    const std::string* value = value_of(name);
    if (value == nullptr || *value != wanted) return false;
  }
  return std::all_of(expressions.begin(), expressions.end(), [&](const NodeExpression& expression) {
    return holds(expression, value_of(expression.key));
  });
}

PodRelations pod_relations(const Json& pod) {
  PodRelations out;
  out.name_space = text_at(pod, {"metadata", "namespace"});
  for (const auto& [name, value] : map_at(pod, {"metadata", "labels"}).items()) {
    if (value.is_string()) out.labels[name] = value.get<std::string>();
  }
  add_terms(pod, "podAffinity", out.near, 1, out.preferred);
  add_terms(pod, "podAntiAffinity", out.apart, -1, out.preferred);
  for (const Json& one : list_at(pod, {"spec", "topologySpreadConstraints"})) {
    SpreadConstraint spread;
    spread.topology_key = text_at(one, {"topologyKey"});
    spread.max_skew = std::max<std::int64_t>(kube::number_at(one, {"maxSkew"}).value_or(1), 1);
    spread.required = text_at(one, {"whenUnsatisfiable"}) != "ScheduleAnyway";
    spread.pods = label_selector(kube::find(one, {"labelSelector"}));
    for (const Json& key : list_at(one, {"matchLabelKeys"})) {
      if (!key.is_string()) continue;
      const auto own = out.labels.find(key.get<std::string>());
      if (own != out.labels.end()) spread.pods.labels[own->first] = own->second;
    }
    out.spread.push_back(std::move(spread));
  }
  return out;
}

bool means(const PodTerm& term, const std::string& own_namespace, const PodRelations& other) {
  const auto listed = [&] {
    return std::find(term.namespaces.begin(), term.namespaces.end(), other.name_space) !=
           term.namespaces.end();
  };
  const bool own = term.namespaces.empty() && !term.spaces && other.name_space == own_namespace;
  const bool selected =
      term.spaces && term.spaces->matches({{"kubernetes.io/metadata.name", other.name_space}});
  return (own || selected || listed()) && term.pods.matches(other.labels);
}

}  // namespace nacelle::control::scheduler
