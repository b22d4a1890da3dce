// informer_metrics.h: what informers tell about themselves.
//
//   nacelle_kube_connected{collection}          1 while the last call of the API server worked
//   nacelle_kube_objects{collection}            objects held
//   nacelle_kube_lists_total{collection}        complete lists; many mean that history is short
//   nacelle_kube_events_total{collection}       events of watches that were applied
//   nacelle_kube_failures_total{collection}     calls that failed
//
// Home:    thread-safe.
#pragma once

#include "telemetry/metrics.h"

namespace nacelle::kube {

class InformerMetrics {
 public:
  explicit InformerMetrics(telemetry::Metrics& metrics)
      : connected(metrics.gauge("nacelle_kube_connected",
                                "1 while the last call of the API server worked.", {"collection"})),
        objects(metrics.gauge("nacelle_kube_objects", "Objects held.", {"collection"})),
        lists(metrics.counter("nacelle_kube_lists_total", "Complete lists.", {"collection"})),
        events(metrics.counter("nacelle_kube_events_total", "Events of watches that were applied.",
                               {"collection"})),
        failures(
            metrics.counter("nacelle_kube_failures_total", "Calls that failed.", {"collection"})) {}

  telemetry::Family<telemetry::Gauge>& connected;
  telemetry::Family<telemetry::Gauge>& objects;
  telemetry::Family<telemetry::Counter>& lists;
  telemetry::Family<telemetry::Counter>& events;
  telemetry::Family<telemetry::Counter>& failures;
};

}  // namespace nacelle::kube
