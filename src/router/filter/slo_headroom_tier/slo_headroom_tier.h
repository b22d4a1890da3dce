// slo_headroom_tier.h: keeps endpoints that are predicted to meet the SLOs, when there are any.
//
// Endpoints without a prediction join those that do not; with a small probability these are kept
// instead, so that the model keeps learning about them.
//
// Home:    immutable, pure.
// Source:  router.md section 9.1.
#pragma once

#include <memory>

#include "router/config/fields.h"
#include "router/plugin_registry.h"
#include "router/producer/predicted_latency/predicted_latency.h"

namespace nacelle::router {

class SloHeadroomTierFilter final : public Plugin, public Filter {
 public:
  SloHeadroomTierFilter(double explore_negative, const PredictedLatency& predictions)
      : explore_negative_(explore_negative), predictions_(predictions) {}
  static std::shared_ptr<Plugin> make(Fields& fields, BuildContext& context);
  void filter(const PickContext& context, Candidates& candidates) const override;

 private:
  double explore_negative_;
  const PredictedLatency& predictions_;
};

}  // namespace nacelle::router
