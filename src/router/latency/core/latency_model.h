// latency_model.h: learns one latency (TTFT or TPOT) of one kind of endpoint from its requests.
//
// Minimises the relative error: 10 ms matter at 20 ms and not at 2 s. Around the regression stand
//   outliers   residuals beyond twice their usual size pull with bounded force (Huber)
//   drift      when the recent error is well above the usual one the past is forgotten quickly
//   quantile   for the objective `quantile` predictions are raised by the ratio actual / predicted
//              that the wanted share of requests stays below
// Its own error is measured on each sample before it learns from it.
//
// Home:    not thread-safe. Pure.
// Bounds:  about 1.5 KB; predictions lie in [0, kMaxSeconds].
#pragma once

#include <cstdint>

#include "router/latency/core/feature_rows.h"
#include "router/latency/core/nonnegative_regression.h"
#include "router/latency/latency_features.h"

namespace nacelle::router::latency {

struct LatencyModelOptions {
  double window_samples = 2000;    // how long a sample counts: weight 1/e after so many more
  std::uint64_t min_samples = 30;  // before there are predictions
  double quantile = 0;             // 0: the mean; 0.9: what nine of ten requests stay below
};

class LatencyModel {
 public:
  static constexpr double kMaxSeconds = 3600;

  explicit LatencyModel(Target target, const LatencyModelOptions& options = {})
      : target_(target), options_(options) {}

  // False when the sample cannot be a latency and was ignored.
  bool learn(const LatencyFeatures& features, double seconds);

  [[nodiscard]] bool ready() const { return samples_ >= options_.min_samples; }
  [[nodiscard]] double predict(const LatencyFeatures& features) const;

  // Over about the last 200 samples; a single one counts at most 10 (1000 %).
  [[nodiscard]] double mean_absolute_percentage_error() const { return recent_error_; }
  [[nodiscard]] double bias() const { return bias_; }  // mean of (predicted - actual) / actual
  [[nodiscard]] std::uint64_t samples() const { return samples_; }
  [[nodiscard]] std::uint64_t drifts() const { return drifts_; }

 private:
  [[nodiscard]] Row row(const LatencyFeatures& features) const {
    return target_ == Target::kTtft ? ttft_row(features) : tpot_row(features);
  }
  [[nodiscard]] double raw(const Row& x) const;
  void measure(double predicted, double actual);
  [[nodiscard]] double forget_factor();

  Target target_;
  LatencyModelOptions options_;
  NonNegativeRegression regression_;
  std::uint64_t samples_ = 0;
  std::uint64_t drifts_ = 0;
  double effective_samples_ = 0;  // what forgetting left of them
  double mean_seconds_ = 0;
  double residual_ = 0.5;  // usual size of a relative residual
  double log_quantile_ = 0;
  double recent_error_ = 0;
  double bias_ = 0;
  double fast_error_ = 0;  // residuals over about 15 and 400 samples, outliers bounded
  double slow_error_ = 0;
  double fast_bias_ = 0;
  bool drifting_ = false;
};

}  // namespace nacelle::router::latency
