// kv_cache_utilization.h: 1 - share of the KV cache in use.
//
// Stale or missing metrics score one half: neither a reason to avoid nor to prefer.
// Source: router.md section 9.2.
#pragma once

#include "router/plugin.h"

namespace nacelle::router {

class KvCacheUtilizationScorer final : public Scorer {
 public:
  [[nodiscard]] std::string_view type() const override { return "kv-cache-utilization-scorer"; }
  void score(const PickContext& context, std::span<const Candidate> candidates,
             std::span<double> scores) const override;
};

}  // namespace nacelle::router
