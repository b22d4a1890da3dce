#include "control/core/llmd/load_rates.h"

#include <algorithm>

namespace nacelle::control::llmd {

void LoadRates::add(const Sample& sample) {
  if (!samples_.empty()) {
    const Sample& last = samples_.back();
    if (sample.now == last.now) return;
    if (sample.now < last.now || sample.arrived < last.arrived ||
        sample.completed < last.completed) {
      samples_.clear();
    } else if (last.saturated && sample.saturated) {
      const std::int64_t replicas = std::min(last.ready, sample.ready);
      if (replicas > 0) {
        busy_.push_back({(sample.now - last.now) * replicas, sample.completed - last.completed});
      }
    }
  }
  samples_.push_back(sample);
  while (samples_.size() > 2 &&
         (samples_[1].now <= sample.now - kWindow || samples_.size() > kMaxSamples)) {
    samples_.pop_front();
  }
  std::int64_t seconds = 0;
  for (const Busy& each : busy_) seconds += each.replica_seconds;
  while (busy_.size() > 1 &&
         (seconds - busy_.front().replica_seconds >= kWindow || busy_.size() > kMaxSamples)) {
    seconds -= busy_.front().replica_seconds;
    busy_.pop_front();
  }
}

std::optional<double> LoadRates::arrival_rate() const {
  if (samples_.empty()) return std::nullopt;
  const std::int64_t seconds = samples_.back().now - samples_.front().now;
  if (seconds < kLeastSeconds) return std::nullopt;
  return static_cast<double>(samples_.back().arrived - samples_.front().arrived) /
         static_cast<double>(seconds);
}

std::optional<double> LoadRates::completion_rate() const {
  std::int64_t seconds = 0;
  std::int64_t completed = 0;
  for (const Busy& each : busy_) {
    seconds += each.replica_seconds;
    completed += each.completed;
  }
  if (seconds < kLeastSeconds) return std::nullopt;
  return static_cast<double>(completed) / static_cast<double>(seconds);
}

}  // namespace nacelle::control::llmd
