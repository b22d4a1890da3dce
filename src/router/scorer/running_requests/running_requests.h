// running_requests.h: (max - running) / (max - min) over the candidates; all equal scores 1.
//
// Home:    immutable, pure.
// Source:  router.md section 9.2.
#pragma once

#include <memory>

#include "router/config/fields.h"
#include "router/plugin_registry.h"

namespace nacelle::router {

class RunningRequestsScorer final : public Plugin, public Scorer {
 public:
  static std::shared_ptr<Plugin> make(Fields& fields, BuildContext& context);
  void score(const PickContext& context, const Candidates& candidates,
             std::span<double> scores) const override;
};

}  // namespace nacelle::router
