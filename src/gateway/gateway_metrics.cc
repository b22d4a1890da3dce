#include "gateway/gateway_metrics.h"

namespace nacelle::gateway {
namespace {

const std::vector<double> kSeconds = {0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5,
                                      1,     2.5,    5,     10,   30,    60,   120, 300};
telemetry::Counter& plain(telemetry::Metrics& metrics, const char* name, const char* help,
                          const char* label, const char* value) {
  return metrics.counter(name, help, {label}).with({value});
}

constexpr const char* kRefused = "nacelle_gateway_refused_total";
constexpr const char* kRefusedHelp = "Requests refused before any endpoint saw them, by reason.";
constexpr const char* kReloads = "nacelle_gateway_config_reloads_total";
constexpr const char* kReloadsHelp = "Configurations read again, by outcome.";
constexpr const char* kMirrors = "nacelle_gateway_mirrored_requests_total";
constexpr const char* kMirrorsHelp = "Copies of requests for mirrors, by outcome.";

}  // namespace

void RouteMetrics::count(int status) {
  if (status == 0) status = 499;
  if (status < 100 || status > 599) status = 599;
  auto& slot = by_status_[static_cast<std::size_t>(status)];
  telemetry::Counter* counter = slot.load(std::memory_order_acquire);
  if (counter == nullptr) {
    counter = &requests_.with({route_, std::to_string(status)});
    slot.store(counter, std::memory_order_release);
  }
  counter->increment();
}

GatewayMetrics::GatewayMetrics(telemetry::Metrics& metrics)
    : active_requests(
          metrics.gauge("nacelle_gateway_active_requests", "Requests in hand.").with({})),
      refused_overload(plain(metrics, kRefused, kRefusedHelp, "reason", "overload")),
      refused_budget(plain(metrics, kRefused, kRefusedHelp, "reason", "body_budget")),
      refused_breaker(plain(metrics, kRefused, kRefusedHelp, "reason", "breaker")),
      mirrors(plain(metrics, kMirrors, kMirrorsHelp, "outcome", "sent")),
      mirrors_dropped(plain(metrics, kMirrors, kMirrorsHelp, "outcome", "dropped")),
      reloads_ok(plain(metrics, kReloads, kReloadsHelp, "outcome", "ok")),
      reloads_refused(plain(metrics, kReloads, kReloadsHelp, "outcome", "refused")),
      generation(metrics
                     .gauge("nacelle_gateway_config_generation",
                            "Counts the configurations that were put in force.")
                     .with({})),
      models(metrics),
      requests_(metrics.counter("nacelle_gateway_requests_total",
                                "Answers sent, by route and status code.", {"route", "code"})),
      first_byte_(metrics.histogram("nacelle_gateway_first_byte_seconds",
                                    "From the complete request to the first byte of the answer.",
                                    kSeconds, {"route"})),
      duration_(metrics.histogram("nacelle_gateway_request_duration_seconds",
                                  "From the complete request to the last byte of the answer.",
                                  kSeconds, {"route"})),
      attempts_(metrics.counter("nacelle_gateway_upstream_attempts_total",
                                "Requests sent to endpoints, by cluster and outcome.",
                                {"cluster", "outcome"})),
      retries_(metrics.counter("nacelle_gateway_upstream_retries_total",
                               "Attempts after the first one, by cluster.", {"cluster"})),
      resumed_(metrics.counter("nacelle_gateway_streams_resumed_total",
                               "Streams that another endpoint finished, by cluster.",
                               {"cluster"})) {}

RouteMetrics& GatewayMetrics::route(const std::string& name) {
  const std::lock_guard lock(mutex_);
  auto& slot = routes_[name];
  if (!slot) {
    slot = std::make_unique<RouteMetrics>(requests_, name, first_byte_.with({name}),
                                          duration_.with({name}));
  }
  return *slot;
}

ClusterMetrics& GatewayMetrics::cluster(const std::string& name) {
  const std::lock_guard lock(mutex_);
  auto& slot = clusters_[name];
  if (!slot) {
    const auto outcome = [&](const char* what) -> telemetry::Counter& {
      return attempts_.with({name, what});
    };
    slot.reset(new ClusterMetrics{outcome("ok"), outcome("connect_failed"), outcome("broke_off"),
                                  outcome("timed_out"), outcome("busy"), outcome("cancelled"),
                                  retries_.with({name}), resumed_.with({name})});
  }
  return *slot;
}

}  // namespace nacelle::gateway
