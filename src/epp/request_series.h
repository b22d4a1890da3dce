// request_series.h: the metrics of requests that share model, target model, flow and priority,
// found once per request so that observing costs no look-up; and one request's share of the gauges
// of what is in flight.
//
// Home:    thread-safe; an InFlightShare is its stream's.
// Source:  router.md section 15.
#pragma once

#include <array>
#include <mutex>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>

#include "telemetry/metrics.h"
#include "telemetry/twin_metric.h"

namespace nacelle::epp {

struct RequestLabels {
  std::string model, target_model, fairness_id, priority;
};

// Of one of the pool's endpoints, for requests of these labels.
struct EndpointSeries {
  telemetry::Twin<telemetry::Counter> attempts;  // picks of it
  telemetry::Gauge* requests = nullptr;
  telemetry::Gauge* tokens = nullptr;
};

struct RequestSeries {
  using Counter = telemetry::Twin<telemetry::Counter>;
  using Gauge = telemetry::Twin<telemetry::Gauge>;
  using Histogram = telemetry::Twin<telemetry::Histogram>;

  RequestLabels labels;
  Counter requests;
  Gauge running;
  Histogram duration, size, response_size, input_tokens, output_tokens, cached_tokens;
  Histogram ntpot, tpot, itl;     // seconds
  std::array<Histogram, 2> ttft;  // [streaming]
  Counter refused_picks;          // scheduler_attempts_total{status="failure"}

  struct Known {
    std::string name;  // of the endpoint: another one may get its address
    EndpointSeries series;
  };
  std::mutex mutex;
  std::unordered_map<std::string, Known> endpoints;  // guarded; by address
};

// Adds itself to the gauges and takes itself back.
class InFlightShare {
 public:
  InFlightShare() = default;
  InFlightShare(const EndpointSeries& series, double tokens)
      : requests_(series.requests), tokens_(series.tokens), num_tokens_(tokens) {
    requests_->add(1);
    tokens_->add(num_tokens_);
  }
  InFlightShare(InFlightShare&& other) noexcept { *this = std::move(other); }
  InFlightShare& operator=(InFlightShare&& other) noexcept {
    if (this == &other) return *this;
    release();
    requests_ = std::exchange(other.requests_, nullptr);
    tokens_ = std::exchange(other.tokens_, nullptr);
    num_tokens_ = std::exchange(other.num_tokens_, 0);
    return *this;
  }
  ~InFlightShare() { release(); }

  [[nodiscard]] double num_tokens() const { return num_tokens_; }
  void release_tokens() {
    if (tokens_ != nullptr && num_tokens_ != 0) tokens_->add(-std::exchange(num_tokens_, 0));
  }
  void release() {
    release_tokens();
    if (requests_ != nullptr) requests_->add(-1);
    requests_ = tokens_ = nullptr;
  }

 private:
  telemetry::Gauge* requests_ = nullptr;
  telemetry::Gauge* tokens_ = nullptr;
  double num_tokens_ = 0;
};

}  // namespace nacelle::epp
