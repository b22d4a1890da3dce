#include "control/core/workload/horizontal_pod_autoscaler/pod_groups.h"

#include "kube/pod.h"
#include "kube/time.h"

namespace nacelle::control::workload {
namespace {

using kube::text_at;

// Whether the CPU of this pod does not count yet.
bool is_starting(const Json& pod, const PodReading& reading, std::int64_t now) {
  const auto started = kube::parse_timestamp(text_at(pod, {"status", "startTime"}));
  const Json* ready = nullptr;
  for (const Json& condition : kube::list_at(pod, {"status", "conditions"})) {
    if (text_at(condition, {"type"}) == "Ready") ready = &condition;
  }
  if (!started || ready == nullptr) return true;
  const bool is_false = text_at(*ready, {"status"}) == "False";
  const auto moved = kube::parse_timestamp(text_at(*ready, {"lastTransitionTime"})).value_or(0);
  if (*started + kCpuInitialization > now) {
    // Within the start even a ready pod needs a whole window since it became ready.
    return is_false || reading.at < moved + reading.window;
  }
  return is_false && *started + kInitialReadiness > moved;  // never was ready
}

}  // namespace

PodGroups group_pods(const std::vector<Json>& pods, const MetricReading& reading, bool cpu,
                     std::int64_t now) {
  PodGroups out;
  for (const Json& pod : pods) {
    const std::string_view phase = text_at(pod, {"status", "phase"});
    if (kube::is_being_deleted(pod) || phase == "Failed") continue;
    const std::string name = kube::key_of(pod).name;
    if (phase == "Pending" || phase.empty()) {
      out.unready.insert(name);
      continue;
    }
    const auto value = reading.pods.find(name);
    if (value == reading.pods.end()) {
      out.missing.insert(name);
    } else if (cpu && is_starting(pod, value->second, now)) {
      out.unready.insert(name);
    } else {
      ++out.ready;
      out.of[name] = value->second.value;
    }
  }
  return out;
}

std::int64_t ready_pods(const std::vector<Json>& pods) {
  std::int64_t out = 0;
  for (const Json& pod : pods) out += kube::is_ready(pod) ? 1 : 0;
  return out;
}

}  // namespace nacelle::control::workload
