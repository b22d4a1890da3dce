// kv_metrics.h: what the precise index and its events tell /metrics, under both names.
//
// Home:    the constructor once per process and subscriber; collect() on the scraping thread;
//          observe_lookup() any thread.
// Source:  router.md section 15.
#pragma once

#include <chrono>

#include "router/kv_events/event_subscriber.h"
#include "router/kv_events/shared_index.h"
#include "telemetry/metrics.h"

namespace nacelle::router {

class KvMetrics {
 public:
  // `index` and `subscriber` (which may be null) outlive `metrics`' last scrape.
  KvMetrics(telemetry::Metrics& metrics, const SharedPreciseIndex& index,
            const EventSubscriber* subscriber);

  void observe_lookup(std::chrono::duration<double> took) {
    lookup_.observe(took.count());
    old_lookup_.observe(took.count());
  }

 private:
  telemetry::Histogram& lookup_;
  telemetry::Histogram& old_lookup_;
};

}  // namespace nacelle::router
