// http_metrics.h: what the server itself counts: HTTP requests, refusals, choices asked for.
//
// Home:    any thread.
// Source:  engine.md section 21 (instrumentator families), section 34 (vllm:admission_rejections).
#pragma once

#include <string>
#include <string_view>

#include "base/clock.h"
#include "serve/server_config.h"
#include "telemetry/metrics.h"

namespace nacelle::serve {

enum class Rejection { kQueueFull, kDraining, kWorkPoolFull };

class HttpMetrics {
 public:
  // Declares the families; `metrics` must outlive this object.
  HttpMetrics(telemetry::Metrics& metrics, const ServerConfig& config);

  // `route` is a path of the route table, or "none"; probes and scrapes are not counted.
  void observe_request(std::string_view route, std::string_view method, int status,
                       Duration duration);
  void count_rejection(Rejection reason);
  void observe_choices(std::int64_t n) { params_n_.observe(static_cast<double>(n)); }

 private:
  telemetry::Family<telemetry::Counter>& requests_;
  telemetry::Family<telemetry::Histogram>& duration_;
  telemetry::Histogram& duration_highr_;
  telemetry::Histogram& params_n_;
  telemetry::Counter* rejections_[3];
};

}  // namespace nacelle::serve
