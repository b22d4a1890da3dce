// kv_metrics.h: what the precise index and its events tell /metrics, under both names.
//
// Home:    collect() on the scraping thread; observe_lookup() any thread.
// Source:  router.md section 15.
#pragma once

#include <chrono>

#include "router/kv_events/event_subscriber.h"
#include "router/kv_events/shared_index.h"
#include "telemetry/metrics.h"

namespace nacelle::router {

class KvMetrics {
 public:
  // The look-ups of all indexes of a process go to one histogram.
  explicit KvMetrics(telemetry::Metrics& metrics);

  // `subscriber` may be null. Labels tell the indexes of one process apart.
  static void collect(telemetry::Snapshot& out, const telemetry::Labels& labels,
                      const SharedPreciseIndex& index, const EventSubscriber* subscriber);

  void observe_lookup(std::chrono::duration<double> took) {
    lookup_.observe(took.count());
    old_lookup_.observe(took.count());
  }

 private:
  telemetry::Histogram& lookup_;
  telemetry::Histogram& old_lookup_;
};

}  // namespace nacelle::router
