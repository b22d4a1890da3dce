// pod_disruption_budget.h: how many pods of a budget may be evicted now.
//
// Evictions take one from status.disruptionsAllowed and note the pod in status.disruptedPods; here
// a noted pod counts as gone until it is, at most two minutes.
//
// Home:    pure.
// Source:  Kubernetes documentation, "Disruptions", "Specifying a Disruption Budget".
#pragma once

#include <cstdint>
#include <vector>

#include "control/core/decision.h"

namespace nacelle::control::workload {

struct DisruptionObserved {
  Json budget;
  std::vector<Json> pods;         // of the namespace
  std::vector<Json> controllers;  // Deployments, ReplicaSets and StatefulSets of the namespace
  std::int64_t now = 0;           // seconds since 1970
};

[[nodiscard]] Decision decide_disruption_budget(const DisruptionObserved& observed);

}  // namespace nacelle::control::workload
