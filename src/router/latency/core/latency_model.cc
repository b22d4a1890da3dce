#include "router/latency/core/latency_model.h"

#include <algorithm>
#include <cmath>

namespace nacelle::router::latency {

namespace {

constexpr double kHuber = 2;           // in units of the usual residual
constexpr double kMinResidual = 0.02;  // two percent are never an outlier
constexpr double kRidge = 0.01;        // as much evidence as a hundredth of a sample
constexpr int kSweeps = 3;
constexpr double kDriftForget = 0.85;  // per sample while the engine behaves in a new way
constexpr double kLeastSamples = 40;   // what forgetting leaves at least

// The floor of what an error is relative to: half a millisecond is noise of the clock and the wire.
double floor_of(Target target) { return target == Target::kTtft ? 1e-3 : 1e-4; }

// Exponential average that starts as the plain mean of its first samples.
void follow(double& average, double value, std::uint64_t sample, double window) {
  average += (value - average) / std::min(static_cast<double>(sample), window);
}

}  // namespace

double LatencyModel::raw(const Row& x) const {
  return std::clamp(regression_.predict(x), 0.0, kMaxSeconds);
}

double LatencyModel::predict(const LatencyFeatures& features) const {
  const double mean = raw(row(features));
  return options_.quantile > 0 ? std::min(mean * std::exp(log_quantile_), kMaxSeconds) : mean;
}

void LatencyModel::measure(double predicted, double actual) {
  const double error = std::clamp((predicted - actual) / actual, -10.0, 10.0);
  const std::uint64_t measured = samples_ - options_.min_samples + 1;
  follow(recent_error_, std::abs(error), measured, 200);
  follow(bias_, error, measured, 200);
}

// Also notices drift: residuals of the last few samples that are larger than usual, or that all
// point one way.
double LatencyModel::forget_factor() {
  const bool was_drifting = drifting_;
  drifting_ = samples_ > 100 && (fast_error_ > 1.6 * slow_error_ + 0.08 ||
                                 std::abs(fast_bias_) > 0.75 * slow_error_ + 0.1);
  if (drifting_ && !was_drifting) ++drifts_;
  const double wanted = drifting_ ? kDriftForget : 1 - 1 / options_.window_samples;
  const double least = std::min(1.0, kLeastSamples / std::max(effective_samples_, 1.0));
  return std::max(wanted, least);
}

bool LatencyModel::learn(const LatencyFeatures& features, double seconds) {
  if (!std::isfinite(seconds) || seconds <= 0 || seconds > kMaxSeconds) return false;
  const Row x = row(features);
  const double mean = raw(x);
  if (ready()) measure(predict(features), seconds);
  ++samples_;

  // Relative to the prediction, which unlike the sample has no noise of its own, while the two are
  // of the same order.
  const double actual = std::max(seconds, floor_of(target_));
  const double scale = std::clamp(mean, actual / 3, actual * 3);
  const double residual = std::abs(seconds - mean) / scale;
  const double force =
      residual <= kHuber * residual_ ? 1 : std::max(kHuber * residual_ / residual, 0.05);
  const double tame = std::min(residual, 3 * residual_);
  follow(residual_, tame, samples_, 50);
  residual_ = std::max(residual_, kMinResidual);
  // For drift half and twice are the same error: engines become faster as well as slower.
  const double either = std::min(std::abs(seconds - mean) / std::min(scale, actual), 3 * residual_);
  follow(fast_error_, either, samples_, 15);
  follow(fast_bias_, std::copysign(either, seconds - mean), samples_, 15);
  follow(slow_error_, either, samples_, 400);
  follow(mean_seconds_, std::min(seconds, mean_seconds_ > 0 ? 10 * mean_seconds_ : seconds),
         samples_, 1000);

  const double forget = forget_factor();
  effective_samples_ = effective_samples_ * forget + 1;
  regression_.add(x, seconds, force / (scale * scale), forget);
  regression_.improve(kRidge / (mean_seconds_ * mean_seconds_), kSweeps);

  if (options_.quantile > 0 && mean > 0) {
    const bool below = seconds <= mean * std::exp(log_quantile_);
    log_quantile_ += 0.02 * (options_.quantile - (below ? 1 : 0));
    log_quantile_ = std::clamp(log_quantile_, -2.0, 3.0);
  }
  return true;
}

}  // namespace nacelle::router::latency
