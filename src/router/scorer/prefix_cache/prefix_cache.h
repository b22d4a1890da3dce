// prefix_cache.h: matched blocks / blocks of the prompt.
//
// Source: router.md section 9.2 with matchLengthWeight 0.
#pragma once

#include "router/plugin.h"

namespace nacelle::router {

class PrefixCacheScorer final : public Scorer {
 public:
  [[nodiscard]] std::string_view type() const override { return "prefix-cache-scorer"; }
  void score(const PickContext& context, std::span<const Candidate> candidates,
             std::span<double> scores) const override;
};

}  // namespace nacelle::router
