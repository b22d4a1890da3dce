#include "control/core/kserve/canary_health.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "control/core/kserve/canary_objects.h"
#include "control/core/kserve/readiness.h"
#include "control/core/pod_cause.h"

namespace nacelle::control::kserve {
namespace {

using kube::number_at;
using kube::text_at;

constexpr std::array<std::string_view, 3> kHopeless = {"CrashLoopBackOff", "ImagePullBackOff",
                                                       "InvalidImageName"};

bool is_set(const Json& workload) { return text_at(workload, {"kind"}) == "LeaderWorkerSet"; }

std::int64_t count(const Json& workload, const char* field) {
  return number_at(workload, {"status", field}).value_or(0);
}

std::int64_t available(const Json& workload) {
  return count(workload, is_set(workload) ? "readyReplicas" : "availableReplicas");
}

// Its status is about its newest spec, as far as it says.
bool is_current(const Json& workload) {
  const auto generation = number_at(workload, {"metadata", "generation"});
  const auto seen = number_at(workload, {"status", "observedGeneration"});
  if (!seen && is_set(workload)) return true;
  return !generation || seen >= generation;
}

const Json* condition_of(const Json& deployment, std::string_view type) {
  for (const Json& condition : kube::list_at(deployment, {"status", "conditions"})) {
    if (text_at(condition, {"type"}) == type) return &condition;
  }
  return nullptr;
}

bool is_hopeless(const Json& pod) {
  for (const char* list : {"initContainerStatuses", "containerStatuses"}) {
    for (const Json& status : kube::list_at(pod, {"status", list})) {
      const std::string_view reason = text_at(status, {"state", "waiting", "reason"});
      if (std::find(kHopeless.begin(), kHopeless.end(), reason) != kHopeless.end()) return true;
    }
  }
  return false;
}

std::vector<const Json*> pods_of(const Observed& observed, std::string_view revision) {
  std::vector<const Json*> out;
  for (const Json& pod : observed.pods) {
    if (kube::is_being_deleted(pod)) continue;
    if (text_at(pod, {"metadata", "labels", kRevisionAnnotation}) == revision) out.push_back(&pod);
  }
  return out;
}

const Json* seen_workload(const Observed& observed, const Json& wanted) {
  const std::string_view kind = text_at(wanted, {"kind"});
  return is_workload(kind) ? child_of(observed, kind, kube::key_of(wanted).name) : nullptr;
}

}  // namespace

std::int64_t replicas_of(const Json& workload) {
  return number_at(workload, {"spec", "replicas"}).value_or(1);
}

bool is_rolled_out(const Json& workload) {
  const std::int64_t wanted = replicas_of(workload);
  return is_current(workload) && count(workload, "updatedReplicas") == wanted &&
         count(workload, "replicas") == wanted && available(workload) == wanted;
}

bool tells_generation(const Json& workload) {
  return !is_set(workload) || number_at(workload, {"status", "observedGeneration"}).has_value();
}

bool has_been_ready(const Json& workload) {
  const Json* condition = condition_of(workload, "Available");
  if (condition != nullptr && text_at(*condition, {"status"}) == "True") return true;
  const Json* progressing = condition_of(workload, "Progressing");
  return progressing != nullptr && is_current(workload) &&
         text_at(*progressing, {"reason"}) == "NewReplicaSetAvailable";
}

bool is_ready(const Observed& observed, const std::vector<Json>& wanted) {
  return std::all_of(wanted.begin(), wanted.end(), [&](const Json& object) {
    const std::string_view kind = text_at(object, {"kind"});
    const Json* seen = child_of(observed, kind, kube::key_of(object).name);
    if (seen == nullptr || kube::is_being_deleted(*seen)) return false;
    return !is_workload(kind) ||
           (replicas_of(*seen) == replicas_of(object) && is_rolled_out(*seen));
  });
}

bool any_available(const Observed& observed, const std::vector<Json>& wanted) {
  return std::all_of(wanted.begin(), wanted.end(), [&](const Json& object) {
    if (!is_workload(text_at(object, {"kind"}))) return true;
    const Json* seen = seen_workload(observed, object);
    return seen != nullptr && available(*seen) > 0;
  });
}

std::string failure(const Owner& owner, const Observed& observed, std::string_view revision) {
  const std::vector<const Json*> pods = pods_of(observed, revision);
  const auto cause = worst_cause(pods);
  if (std::any_of(pods.begin(), pods.end(), [](const Json* pod) { return is_hopeless(*pod); })) {
    return cause ? cause->message : "a pod of it cannot run";
  }
  for (const Json& child : observed.children) {
    if (!is_workload(text_at(child, {"kind"})) || !is_of_canary(owner, child)) continue;
    const Json* progressing = condition_of(child, "Progressing");
    if (progressing == nullptr || !is_current(child)) continue;
    if (text_at(*progressing, {"status"}) != "False") continue;
    std::string text(text_at(*progressing, {"message"}));
    if (cause) text += "; " + cause->message;
    return text;
  }
  return "";
}

std::string late_set(const Observed& observed, const std::vector<Json>& wanted,
                     std::string_view revision) {
  for (const Json& object : wanted) {
    const Json* seen = seen_workload(observed, object);
    if (seen == nullptr || !is_set(*seen) || is_rolled_out(*seen)) continue;
    const auto cause = worst_cause(pods_of(observed, revision));
    return fmt::format("LeaderWorkerSet \"{}\" has {} of {} replicas after {} s{}",
                       kube::key_of(object).name, available(*seen), replicas_of(object),
                       kSetDeadlineSeconds, cause ? "; " + cause->message : "");
  }
  return "";
}

bool is_taken(const Json& route) {
  const auto generation = number_at(route, {"metadata", "generation"});
  if (!generation) return true;
  for (const Json& parent : kube::list_at(route, {"status", "parents"})) {
    for (const Json& condition : kube::list_at(parent, {"conditions"})) {
      const auto seen = number_at(condition, {"observedGeneration"});
      if (seen && *seen < *generation) return false;
    }
  }
  return true;
}

}  // namespace nacelle::control::kserve
