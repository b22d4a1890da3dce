#include "serve/metrics/http_metrics.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

namespace nacelle::serve {
namespace {

constexpr std::array<std::string_view, 6> kUncounted = {"/metrics", "/metrics/", "/health",
                                                        "/load",    "/ping",     "/version"};

const std::vector<double> kCoarseSeconds = {0.1, 0.5, 1};
const std::vector<double> kFineSeconds = {0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5,
                                          0.75, 1,     1.5,  2,     2.5, 3,    3.5,
                                          4,    4.5,   5,    7.5,   10,  30,   60};
const std::vector<double> kChoices = {1, 2, 5, 10, 20};

}  // namespace

HttpMetrics::HttpMetrics(telemetry::Metrics& metrics, const ServerConfig& config)
    : requests_(metrics.counter("http_requests_total", "Requests by route, method and status.",
                                {"handler", "method", "status"})),
      duration_(metrics.histogram("http_request_duration_seconds",
                                  "Duration of requests, few buckets.", kCoarseSeconds,
                                  {"handler", "method"})),
      duration_highr_(metrics
                          .histogram("http_request_duration_highr_seconds",
                                     "Duration of requests, many buckets.", kFineSeconds)
                          .with({})),
      params_n_(metrics
                    .histogram("vllm:request_params_n", "Choices asked for.", kChoices,
                               {"model_name", "engine"})
                    .with({config.served_model_names.front(), config.engine_label})) {
  auto& rejections =
      metrics.counter("vllm:admission_rejections_total", "Requests answered 503 before any work.",
                      {"model_name", "engine", "reason"});
  const char* const reasons[] = {"queue_full", "draining", "work_pool_full"};
  for (std::size_t i = 0; i < std::size(reasons); ++i) {
    rejections_[i] =
        &rejections.with({config.served_model_names.front(), config.engine_label, reasons[i]});
  }
}

void HttpMetrics::observe_request(std::string_view route, std::string_view method, int status,
                                  Duration duration) {
  if (std::find(kUncounted.begin(), kUncounted.end(), route) != kUncounted.end()) return;
  const double seconds = to_seconds(duration);
  requests_.with({std::string(route), std::string(method), fmt::format("{}xx", status / 100)})
      .increment();
  duration_.with({std::string(route), std::string(method)}).observe(seconds);
  duration_highr_.observe(seconds);
}

void HttpMetrics::count_rejection(Rejection reason) {
  rejections_[static_cast<int>(reason)]->increment();
}

}  // namespace nacelle::serve
