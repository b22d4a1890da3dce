// active_request.h: (max - c) / max over requests in flight, 1 when idle.
//
// Source: router.md section 9.2 with idleThreshold 0 and maxBusyScore 1.
#pragma once

#include "router/plugin.h"

namespace nacelle::router {

class ActiveRequestScorer final : public Scorer {
 public:
  [[nodiscard]] std::string_view type() const override { return "active-request-scorer"; }
  void score(const PickContext& context, std::span<const Candidate> candidates,
             std::span<double> scores) const override;
};

}  // namespace nacelle::router
