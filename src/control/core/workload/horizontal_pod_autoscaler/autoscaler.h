// autoscaler.h: how many replicas a HorizontalPodAutoscaler of autoscaling/v2 wants.
//
// The shell reads the scale, the pods and one reading per spec.metrics and hands them in; the
// answer is the number to set, if any, the status, and the memory to hand in next time: what was
// recommended (stabilisation) and what was done (scaling policies). An autoscaler without memory
// starts from the replicas that are there, so a restart scales nothing down. When the number cannot
// be set, the shell goes on with the memory from before.
//
// Home:    pure.
// Bounds:  memory of an hour, the longest window the API allows, at one entry per call.
// Source:  kubernetes-api.md section 21; Kubernetes documentation, "Horizontal Pod Autoscaling",
//          algorithm details.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "control/core/decision.h"

namespace nacelle::control::workload {

inline constexpr std::chrono::seconds kAutoscalePeriod{15};

// Thousandths: 250m of a CPU, 1500m requests per second.
using Milli = std::int64_t;

struct PodReading {
  Milli value = 0;
  std::int64_t at = 0;      // end of the measurement, seconds since 1970
  std::int64_t window = 0;  // its length in seconds
};

// What was read for one entry of spec.metrics.
struct MetricReading {
  std::string error;                       // not "": could not be read
  std::map<std::string, PodReading> pods;  // Resource, ContainerResource, Pods: by pod
  Milli value = 0;                         // Object; External: the sum of its series
};

struct ScaleMemory {
  struct Entry {
    std::int64_t at;
    std::int64_t replicas;  // recommended; or how many were added or removed
  };
  std::vector<Entry> recommendations, scaled_up, scaled_down;
};

struct AutoscalerObserved {
  Json autoscaler;
  Json scale;               // autoscaling/v1 Scale of the target; null when it could not be read
  std::string scale_error;  // why
  std::vector<Json> pods;   // those that the scale selects
  std::vector<MetricReading> metrics;  // one per spec.metrics
  std::int64_t now = 0;                // seconds since 1970
};

struct AutoscalerDecision {
  std::optional<std::int64_t> replicas;  // to set on the scale, before the actions
  Decision decision;                     // status, events, when to look again
};

[[nodiscard]] AutoscalerDecision decide_autoscaler(const AutoscalerObserved& observed,
                                                   ScaleMemory& memory);

}  // namespace nacelle::control::workload
