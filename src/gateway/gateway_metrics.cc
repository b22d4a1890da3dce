#include "gateway/gateway_metrics.h"

namespace nacelle::gateway {
namespace {

telemetry::Counter& attempts(telemetry::Metrics& metrics, const char* outcome) {
  return metrics
      .counter("nacelle_gateway_upstream_attempts_total", "Requests sent to endpoints, by outcome.",
               {"outcome"})
      .with({outcome});
}

const std::vector<double> kSeconds = {0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5,
                                      1,     2.5,    5,     10,   30,    60,   120, 300};

}  // namespace

GatewayMetrics::GatewayMetrics(telemetry::Metrics& metrics)
    : requests(metrics.counter("nacelle_gateway_requests_total", "Answers sent, by status code.",
                               {"code"})),
      active_requests(
          metrics.gauge("nacelle_gateway_active_requests", "Requests in hand.").with({})),
      attempts_ok(attempts(metrics, "ok")),
      attempts_connect_failed(attempts(metrics, "connect_failed")),
      attempts_broke_off(attempts(metrics, "broke_off")),
      attempts_busy(attempts(metrics, "busy")),
      attempts_cancelled(attempts(metrics, "cancelled")),
      first_byte_seconds(
          metrics
              .histogram("nacelle_gateway_first_byte_seconds",
                         "From the complete request to the first byte of the answer's body.",
                         kSeconds)
              .with({})),
      duration_seconds(metrics
                           .histogram("nacelle_gateway_request_duration_seconds",
                                      "From the complete request to the last byte of the answer.",
                                      kSeconds)
                           .with({})) {
  requests.with({"200"});
}

}  // namespace nacelle::gateway
