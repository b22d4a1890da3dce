// proposal.h: how many replicas one metric asks for.
//
// desired = ceil(current * value / target), within a tolerance of the target nothing; pods without
// a value count against the direction: as using nothing when it goes up, as using their target
// when it goes down, and a proposal that they turn around is none.
//
// Home:    pure.
// Errors:  invalid_argument, failed_precondition with the words of Kubernetes' events.
// Source:  Kubernetes documentation, "Horizontal Pod Autoscaling", algorithm details.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/result.h"
#include "control/core/workload/horizontal_pod_autoscaler/autoscaler.h"

namespace nacelle::control::workload {

struct Tolerance {
  double up = 0.1, down = 0.1;
  [[nodiscard]] bool covers(double ratio) const { return ratio >= 1.0 - down && ratio <= 1.0 + up; }
};

struct MetricQuestion {
  const Json& metric;  // an entry of spec.metrics
  const MetricReading& reading;
  const std::vector<Json>& pods;
  std::int64_t spec_replicas;    // of the scale
  std::int64_t status_replicas;  // of the scale
  Tolerance tolerance;
  std::int64_t now;
};

struct MetricProposal {
  std::int64_t replicas = 0;
  std::string name;  // "cpu resource utilization (percentage of request)"
  Json current;      // an entry of status.currentMetrics
};

[[nodiscard]] Result<MetricProposal> propose(const MetricQuestion& question);

}  // namespace nacelle::control::workload
