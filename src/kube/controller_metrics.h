// controller_metrics.h: what controllers tell about themselves.
//
//   nacelle_kube_reconciles_total{controller,result}     success, requeue_after, error
//   nacelle_kube_reconcile_seconds{controller}
//   nacelle_kube_queue_keys{controller}                  ready to be worked on
//
// Home:    thread-safe.
#pragma once

#include "telemetry/metrics.h"

namespace nacelle::kube {

class ControllerMetrics {
 public:
  explicit ControllerMetrics(telemetry::Metrics& metrics)
      : reconciles(metrics.counter("nacelle_kube_reconciles_total", "Calls of controllers.",
                                   {"controller", "result"})),
        seconds(metrics.histogram("nacelle_kube_reconcile_seconds", "Time of one call.",
                                  {.001, .005, .01, .05, .1, .5, 1, 5, 10, 60}, {"controller"})),
        keys(metrics.gauge("nacelle_kube_queue_keys", "Keys that are ready to be worked on.",
                           {"controller"})) {}

  telemetry::Family<telemetry::Counter>& reconciles;
  telemetry::Family<telemetry::Histogram>& seconds;
  telemetry::Family<telemetry::Gauge>& keys;
};

}  // namespace nacelle::kube
