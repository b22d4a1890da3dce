// metric_api.h: readings of metrics for autoscalers, from the metrics APIs of a cluster:
// metrics.k8s.io, custom.metrics.k8s.io and external.metrics.k8s.io.
//
// An API server that has none of them answers 404, and the reading says so: an autoscaler then
// takes nothing away.
//
// Home:    the client's loop; parse functions are pure.
// Source:  Kubernetes documentation, "Resource metrics pipeline"; k8s.io/metrics.
#pragma once

#include <string>

#include "async/task.h"
#include "control/core/workload/horizontal_pod_autoscaler/autoscaler.h"
#include "kube/client.h"

namespace nacelle::control {

// `metric` is an entry of spec.metrics, `selector` the label selector of the target's pods.
[[nodiscard]] async::Task<workload::MetricReading> read_metric(kube::Client& client, Json metric,
                                                               std::string name_space,
                                                               std::string selector);

// Of a PodMetricsList; `container` "" sums a pod's containers, and a pod that lacks one is left
// out.
[[nodiscard]] workload::MetricReading resource_reading(const Json& list,
                                                       const std::string& resource,
                                                       const std::string& container);
// Of a MetricValueList of custom.metrics.k8s.io: by pod, and the first value.
[[nodiscard]] workload::MetricReading custom_reading(const Json& list);
// Of an ExternalMetricValueList: the sum.
[[nodiscard]] workload::MetricReading external_reading(const Json& list);

}  // namespace nacelle::control
