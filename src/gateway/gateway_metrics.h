// gateway_metrics.h: the metrics of the gateway; docs/metrics.md follows this file.
//
//   nacelle_gateway_requests_total{route,code}         answers; 499 = the client left first
//   nacelle_gateway_active_requests                    requests in hand
//   nacelle_gateway_refused_total{reason}              overload, body_budget, breaker, ...
//   nacelle_gateway_first_byte_seconds{route}          request complete to first byte of the answer
//   nacelle_gateway_request_duration_seconds{route}    request complete to last byte
//   nacelle_gateway_upstream_attempts_total{cluster,outcome}  ok, connect_failed, broke_off,
//                                                      timed_out, busy, cancelled
//   nacelle_gateway_upstream_retries_total{cluster}    attempts after the first
//   nacelle_gateway_streams_resumed_total{cluster}     streams that another endpoint finished
//   nacelle_gateway_config_reloads_total{outcome}      ok, refused
//   gen_ai_*                                           gateway.md section 13
//
// Home:    thread-safe. route() and cluster() look up under a lock: once per snapshot.
#pragma once

#include <array>
#include <atomic>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>

#include "gateway/observe/model_metrics.h"
#include "telemetry/metrics.h"

namespace nacelle::gateway {

struct ClusterMetrics {
  telemetry::Counter &ok, &connect_failed, &broke_off, &timed_out, &busy, &cancelled, &retries,
      &resumed;
};

// Counters by status are found once and kept: a look-up per request would take a lock.
class RouteMetrics {
 public:
  RouteMetrics(telemetry::Family<telemetry::Counter>& requests, std::string route,
               telemetry::Histogram& first, telemetry::Histogram& duration)
      : first_byte(first), duration(duration), requests_(requests), route_(std::move(route)) {}

  void count(int status);

  telemetry::Histogram& first_byte;
  telemetry::Histogram& duration;

 private:
  telemetry::Family<telemetry::Counter>& requests_;
  const std::string route_;
  std::array<std::atomic<telemetry::Counter*>, 600> by_status_{};
};

class GatewayMetrics {
 public:
  explicit GatewayMetrics(telemetry::Metrics& metrics);

  RouteMetrics& route(const std::string& name);
  ClusterMetrics& cluster(const std::string& name);

  telemetry::Gauge& active_requests;
  telemetry::Counter &refused_overload, &refused_budget, &refused_breaker;
  telemetry::Counter &mirrors, &mirrors_dropped;
  telemetry::Counter &reloads_ok, &reloads_refused;
  telemetry::Gauge& generation;
  ModelFamilies models;

 private:
  telemetry::Family<telemetry::Counter>& requests_;
  telemetry::Family<telemetry::Histogram>&first_byte_, &duration_;
  telemetry::Family<telemetry::Counter>&attempts_, &retries_, &resumed_;
  std::mutex mutex_;
  std::map<std::string, std::unique_ptr<RouteMetrics>> routes_;      // guarded
  std::map<std::string, std::unique_ptr<ClusterMetrics>> clusters_;  // guarded
};

}  // namespace nacelle::gateway
