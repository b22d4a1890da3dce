#include "control/core/scheduler/pod_demand.h"

#include <algorithm>
#include <tuple>

namespace nacelle::control::scheduler {

namespace {
constexpr std::int64_t kMostWeight = 100;  // as the API has it
}

using kube::Json;
using kube::list_at;
using kube::text_at;

Result<PodDemand> pod_demand(const Json& pod) {
  ASSIGN_OR_RETURN(const pod::PodSpec spec, pod::parse_pod(pod));
  PodDemand out;
  out.key = kube::key_of(pod);
  out.uid = spec.uid;
  for (const Json& owner : list_at(pod, {"metadata", "ownerReferences"})) {
    if (kube::bool_at(owner, {"controller"})) out.owner = text_at(owner, {"uid"});
  }
  out.priority = std::clamp<std::int64_t>(kube::number_at(pod, {"spec", "priority"}).value_or(0),
                                          INT32_MIN, INT32_MAX);
  out.created = text_at(pod, {"metadata", "creationTimestamp"});
  out.requests = pod::pod_requests(spec);
  for (const auto& [name, value] : kube::map_at(pod, {"spec", "nodeSelector"}).items()) {
    out.node_selector[name] = value.is_string() ? value.get<std::string>() : value.dump();
  }
  if (const Json* affinity = kube::find(pod, {"spec", "affinity", "nodeAffinity"})) {
    constexpr std::string_view kRequired = "requiredDuringSchedulingIgnoredDuringExecution";
    constexpr std::string_view kPreferred = "preferredDuringSchedulingIgnoredDuringExecution";
    if (const Json* required = kube::find(*affinity, {kRequired})) {
      out.required = node_terms(*required);
    }
    for (const Json& one : list_at(*affinity, {kPreferred})) {
      out.preferred.emplace_back(
          std::clamp<std::int64_t>(kube::number_at(one, {"weight"}).value_or(1), 0, kMostWeight),
          node_term(kube::map_at(one, {"preference"})));
    }
  }
  out.relations = pod_relations(pod);
  out.tolerations = tolerations_of(pod);
  return out;
}

void add_claims(const Json& pod, const ClaimLookup& lookup, PodDemand& to) {
  for (const Json& volume : list_at(pod, {"spec", "volumes"})) {
    const std::string_view name = text_at(volume, {"persistentVolumeClaim", "claimName"});
    if (name.empty() || !to.waits_for.empty()) continue;
    const Json* claim = lookup.claim(to.key.name_space, name);
    if (claim == nullptr) {
      to.waits_for = fmt::format("persistentvolumeclaim \"{}\" not found", name);
      continue;
    }
    const std::string_view bound = text_at(*claim, {"spec", "volumeName"});
    if (bound.empty() || text_at(*claim, {"status", "phase"}) != "Bound") {
      const Json* of_class = lookup.storage_class(text_at(*claim, {"spec", "storageClassName"}));
      if (bound.empty() && of_class != nullptr &&
          text_at(*of_class, {"volumeBindingMode"}) == "WaitForFirstConsumer") {
        to.claims_to_place.emplace_back(name);
        const Json& annotations = kube::map_at(*claim, {"metadata", "annotations"});
        const auto selected = annotations.find(kSelectedNode);
        if (to.selected_node.empty() && selected != annotations.end() && selected->is_string()) {
          to.selected_node = selected->get<std::string>();
        }
        continue;
      }
      to.waits_for = fmt::format("pod has unbound immediate PersistentVolumeClaims: \"{}\"", name);
      continue;
    }
    const Json* behind = lookup.volume(bound);
    if (behind == nullptr) {
      to.waits_for = fmt::format("persistentvolume \"{}\" not found", bound);
      continue;
    }
    if (const Json* nodes = kube::find(*behind, {"spec", "nodeAffinity", "required"})) {
      to.volumes.push_back(node_terms(*nodes));
    }
  }
}

bool waits_for_node(const Json& pod, std::string_view scheduler) {
  return text_at(pod, {"spec", "nodeName"}).empty() && !kube::is_being_deleted(pod) &&
         text_at(pod, {"spec", "schedulerName"}) == scheduler &&
         list_at(pod, {"spec", "schedulingGates"}).empty();
}

bool holds_node(const Json& pod) {
  const std::string_view phase = text_at(pod, {"status", "phase"});
  return !text_at(pod, {"spec", "nodeName"}).empty() && phase != "Succeeded" && phase != "Failed";
}

bool goes_before(const PodDemand& a, const PodDemand& b) {
  return std::make_tuple(-a.priority, std::cref(a.created), std::cref(a.key)) <
         std::make_tuple(-b.priority, std::cref(b.created), std::cref(b.key));
}

}  // namespace nacelle::control::scheduler
