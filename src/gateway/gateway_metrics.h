// gateway_metrics.h: the metrics of the gateway; docs/metrics.md follows this file.
//
//   nacelle_gateway_requests_total{code}               answers sent, by status; 499 = the client
//   left first nacelle_gateway_active_requests                    requests in hand
//   nacelle_gateway_upstream_attempts_total{outcome}   ok, connect_failed, broke_off, busy,
//   cancelled nacelle_gateway_first_byte_seconds                 request complete to first byte of
//   the answer's body nacelle_gateway_request_duration_seconds           request complete to last
//   byte
#pragma once

#include "telemetry/metrics.h"

namespace nacelle::gateway {

struct GatewayMetrics {
  explicit GatewayMetrics(telemetry::Metrics& metrics);

  telemetry::Family<telemetry::Counter>& requests;
  telemetry::Gauge& active_requests;
  telemetry::Counter& attempts_ok;
  telemetry::Counter& attempts_connect_failed;
  telemetry::Counter& attempts_broke_off;
  telemetry::Counter& attempts_busy;
  telemetry::Counter& attempts_cancelled;
  telemetry::Histogram& first_byte_seconds;
  telemetry::Histogram& duration_seconds;
};

}  // namespace nacelle::gateway
