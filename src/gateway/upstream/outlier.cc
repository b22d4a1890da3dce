#include "gateway/upstream/outlier.h"

#include <algorithm>

namespace nacelle::gateway {

OutlierDetector::OutlierDetector(std::optional<OutlierConfig> config, std::size_t endpoints)
    : config_(config), states_(endpoints) {}

bool OutlierDetector::ejected(std::size_t endpoint, TimePoint now) const {
  const Duration::rep until = states_[endpoint].out_until.load(std::memory_order_relaxed);
  return until != 0 && until > now.time_since_epoch().count();
}

bool OutlierDetector::on_result(std::size_t endpoint, int status, TimePoint now) {
  if (!config_) return false;
  State& state = states_[endpoint];
  const bool error = status == 0 || status >= 500;
  const bool gateway_error = status == 0 || (status >= 502 && status <= 504);
  // The usual case, an answer after an answer, writes nothing.
  const auto count = [](std::atomic<std::uint32_t>& counter, bool up) {
    if (up) return counter.fetch_add(1, std::memory_order_relaxed) + 1;
    if (counter.load(std::memory_order_relaxed) != 0) counter.store(0, std::memory_order_relaxed);
    return 0u;
  };
  const std::uint32_t errors = count(state.errors, error);
  const std::uint32_t gateway_errors = count(state.gateway_errors, gateway_error);
  const bool too_many = (config_->consecutive_5xx > 0 && errors >= config_->consecutive_5xx) ||
                        (config_->consecutive_gateway_errors > 0 &&
                         gateway_errors >= config_->consecutive_gateway_errors);
  return too_many && eject(endpoint, now);
}

bool OutlierDetector::eject(std::size_t endpoint, TimePoint now) {
  const std::lock_guard lock(mutex_);
  State& state = states_[endpoint];
  if (ejected(endpoint, now)) return false;
  std::size_t out = 0;
  for (std::size_t i = 0; i < states_.size(); ++i) out += ejected(i, now) ? 1 : 0;
  const std::size_t allowed =
      std::max<std::size_t>(1, states_.size() * config_->max_ejected_percent / 100);
  if (out >= allowed) return false;
  state.errors.store(0, std::memory_order_relaxed);
  state.gateway_errors.store(0, std::memory_order_relaxed);
  // One that served for as long as the longest ejection starts anew.
  const TimePoint back(Duration(state.out_until.load(std::memory_order_relaxed)));
  state.in_a_row = now - back > config_->max_ejection ? 1 : state.in_a_row + 1;
  const Duration out_for =
      std::min(config_->base_ejection * static_cast<int>(std::min(state.in_a_row, 1000u)),
               config_->max_ejection);
  state.out_until.store((now + out_for).time_since_epoch().count(), std::memory_order_relaxed);
  total_.fetch_add(1, std::memory_order_relaxed);
  return true;
}

}  // namespace nacelle::gateway
