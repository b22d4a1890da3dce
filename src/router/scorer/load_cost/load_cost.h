// load_cost.h: 1 - cost / highest cost among the candidates.
//
// cost = prompt tokens in flight there that are not computed yet + those that this request would
// add (its prompt without the cached prefix) + a fixed count per request in flight, for its share
// of decoding. One figure in tokens weighs queueing against recomputing, at any load: a home of a
// prefix keeps its requests until waiting for it costs more than computing the prefix again
// elsewhere.
//
// Home:    immutable, pure.
// Source:  router.md section 9.2 has no counterpart; this one is ours.
#pragma once

#include <memory>

#include "router/config/fields.h"
#include "router/plugin_registry.h"

namespace nacelle::router {

class LoadCostScorer final : public Plugin, public Scorer {
 public:
  // A running request slows prefill about as much as this many prompt tokens per step do.
  static constexpr double kTokensPerRequest = 64;

  LoadCostScorer(double tokens_per_request, PrefixSourceId source)
      : tokens_per_request_(tokens_per_request), source_(source) {}
  static std::shared_ptr<Plugin> make(Fields& fields, BuildContext& context);
  void score(const PickContext& context, const Candidates& candidates,
             std::span<double> scores) const override;

 private:
  double tokens_per_request_;
  PrefixSourceId source_;
};

}  // namespace nacelle::router
