// queue.h: (max - waiting) / (max - min) over the candidates; all equal scores 1.
//
// Waiting counts what this router placed since the last scrape. With stale or missing metrics the
// requests that it has in flight there stand in.
//
// Home:    immutable, pure.
// Source:  router.md section 9.2.
#pragma once

#include <memory>

#include "router/config/fields.h"
#include "router/plugin_registry.h"

namespace nacelle::router {

class QueueScorer final : public Plugin, public Scorer {
 public:
  static std::shared_ptr<Plugin> make(Fields& fields, BuildContext& context);
  void score(const PickContext& context, const Candidates& candidates,
             std::span<double> scores) const override;
};

// Turns values of which fewer are better into scores: (max - v) / (max - min), 1 when all are
// equal.
void fewer_is_better(std::span<double> values);

}  // namespace nacelle::router
