// kv_cache_utilization.h: 1 - share of the KV cache in use.
//
// Stale or missing metrics score one half: neither a reason to avoid nor to prefer.
//
// Home:    immutable, pure.
// Source:  router.md section 9.2.
#pragma once

#include <memory>

#include "router/config/fields.h"
#include "router/plugin_registry.h"

namespace nacelle::router {

class KvCacheUtilizationScorer final : public Plugin, public Scorer {
 public:
  static std::shared_ptr<Plugin> make(Fields& fields, BuildContext& context);
  void score(const PickContext& context, const Candidates& candidates,
             std::span<double> scores) const override;
};

}  // namespace nacelle::router
