// load_aware.h: 1/2 for an empty queue, falling to 0 as it reaches a threshold.
//
// Home:    immutable, pure.
// Source:  router.md section 9.2.
#pragma once

#include <memory>

#include "router/config/fields.h"
#include "router/plugin_registry.h"

namespace nacelle::router {

class LoadAwareScorer final : public Plugin, public Scorer {
 public:
  explicit LoadAwareScorer(double threshold) : threshold_(threshold) {}
  static std::shared_ptr<Plugin> make(Fields& fields, BuildContext& context);
  void score(const PickContext& context, const Candidates& candidates,
             std::span<double> scores) const override;

 private:
  double threshold_;  // waiting requests
};

}  // namespace nacelle::router
