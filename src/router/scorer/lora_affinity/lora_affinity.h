// lora_affinity.h: prefers endpoints that have the wanted adapter, then those with room for it.
//
//   active 1.0; room for one more 0.8; already waiting for it 0.6; else 0
//
// Home:    immutable, pure.
// Source:  router.md section 9.2.
#pragma once

#include <memory>

#include "router/config/fields.h"
#include "router/plugin_registry.h"

namespace nacelle::router {

class LoraAffinityScorer final : public Plugin, public Scorer {
 public:
  static std::shared_ptr<Plugin> make(Fields& fields, BuildContext& context);
  void score(const PickContext& context, const Candidates& candidates,
             std::span<double> scores) const override;
};

}  // namespace nacelle::router
