#include "router/flow/core/usage_limit.h"

#include <cmath>

namespace nacelle::router::flow {

double UsageLimit::ceiling(const BandRank& band, double saturation) const {
  const double steps = band.count > 1 ? static_cast<double>(band.count - 1) : 1;
  switch (config_.kind) {
    case UsageLimitKind::kStatic:
      return config_.threshold;
    case UsageLimitKind::kPriorityHoldback: {
      double below = 0;  // 0 for the highest band, 1 for the lowest
      if (config_.domain == UsageLimitConfig::Domain::kRank) {
        below = static_cast<double>(band.rank) / steps;
      } else if (band.highest > band.lowest) {
        below = (static_cast<double>(band.highest) - band.priority) /
                (static_cast<double>(band.highest) - band.lowest);
      }
      return config_.max_ceiling - below * (config_.max_ceiling - config_.min_ceiling);
    }
    case UsageLimitKind::kSoftReflectiveCeiling:
      return 1 - static_cast<double>(band.rank) * saturation / steps;
  }
  return config_.threshold;
}

bool UsageLimit::allows(const BandRank& band, double saturation) {
  const bool open = saturation < ceiling(band, saturation);
  if (config_.kind != UsageLimitKind::kSoftReflectiveCeiling || saturation >= 1) return open;
  if (open) return true;
  const auto period = static_cast<std::uint64_t>(std::llround(saturation / (1 - saturation)));
  if (held_back_ < period) {
    ++held_back_;
    return false;
  }
  held_back_ = 0;
  return true;
}

}  // namespace nacelle::router::flow
