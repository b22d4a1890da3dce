// queue.h: (max - waiting) / (max - min) over the candidates; all equal scores 1.
//
// With stale or missing metrics the requests that this router has in flight there stand in.
// Source: router.md section 9.2.
#pragma once

#include "router/plugin.h"

namespace nacelle::router {

class QueueScorer final : public Scorer {
 public:
  [[nodiscard]] std::string_view type() const override { return "queue-scorer"; }
  void score(const PickContext& context, std::span<const Candidate> candidates,
             std::span<double> scores) const override;
};

}  // namespace nacelle::router
