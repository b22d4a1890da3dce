// usage_limit.h: how full the pool may be for a band to dispatch: a ceiling on its saturation.
//
// static                   the same threshold for all
// priority-holdback        linear from max_ceiling (highest band) to min_ceiling (lowest), by rank
//                          or by the priority's value: the last of the capacity waits for those
//                          who matter most
// soft-reflective-ceiling  1 - rank * saturation / (N - 1). The lowest band would starve between
//                          1/2 and 1, so the ceiling is soft: of p + 1 cycles in which it holds a
//                          band back, p = round(saturation / (1 - saturation)), one lets it pass
//
// Home:    whatever guards the FlowQueues.
// Source:  router.md section 12.3; the alternation is our reading of "period".
#pragma once

#include <cstddef>
#include <cstdint>

#include "router/flow/flow_config.h"

namespace nacelle::router::flow {

// Where a band stands among all bands there are.
struct BandRank {
  std::size_t rank = 0;  // 0 is the highest priority
  std::size_t count = 1;
  int priority = 0;
  int highest = 0;  // priorities of the first and the last band
  int lowest = 0;
};

class UsageLimit {
 public:
  explicit UsageLimit(const UsageLimitConfig& config) : config_(config) {}

  // The ceiling without the alternation.
  [[nodiscard]] double ceiling(const BandRank& band, double saturation) const;

  // Whether the band may dispatch now; one call is one cycle.
  [[nodiscard]] bool allows(const BandRank& band, double saturation);

 private:
  UsageLimitConfig config_;
  std::uint64_t held_back_ = 0;  // cycles in a row, of the soft ceiling
};

}  // namespace nacelle::router::flow
