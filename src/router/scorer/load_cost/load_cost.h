// load_cost.h: 1 - cost / highest cost among the candidates.
//
// cost = prompt tokens in flight there that are not computed yet + those that this request would
// add (its prompt without the cached prefix) + a fixed count per request in flight, for its share
// of decoding. One figure in tokens weighs queueing against recomputing, at any load: a home of a
// prefix keeps its requests until waiting for it costs more than computing the prefix again
// elsewhere.
#pragma once

#include "router/plugin.h"

namespace nacelle::router {

class LoadCostScorer final : public Scorer {
 public:
  // A running request slows prefill about as much as this many prompt tokens per step do.
  static constexpr double kTokensPerRequest = 64;

  [[nodiscard]] std::string_view type() const override { return "load-cost-scorer"; }
  void score(const PickContext& context, std::span<const Candidate> candidates,
             std::span<double> scores) const override;
};

}  // namespace nacelle::router
