// pod_groups.h: which pods a metric counts: ready ones with a value, unready ones, missing ones.
//
// Home:    pure.
// Source:  Kubernetes documentation, "Horizontal Pod Autoscaling", algorithm details: the CPU of a
//          pod that starts says nothing.
#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "control/core/workload/horizontal_pod_autoscaler/autoscaler.h"

namespace nacelle::control::workload {

inline constexpr std::int64_t kCpuInitialization = 300;  // seconds
inline constexpr std::int64_t kInitialReadiness = 30;

struct PodGroups {
  std::int64_t ready = 0;           // with a value that counts
  std::map<std::string, Milli> of;  // values of those
  std::set<std::string> unready, missing;
};

// Pods that end or failed count nowhere.
[[nodiscard]] PodGroups group_pods(const std::vector<Json>& pods, const MetricReading& reading,
                                   bool cpu, std::int64_t now);

// Pods whose Ready condition is True.
[[nodiscard]] std::int64_t ready_pods(const std::vector<Json>& pods);

}  // namespace nacelle::control::workload
