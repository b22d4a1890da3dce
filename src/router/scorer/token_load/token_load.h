// token_load.h: 1 - tokens in flight and to compute / threshold.
//
// Home:    immutable, pure.
// Source:  router.md section 9.2.
#pragma once

#include <memory>

#include "router/config/fields.h"
#include "router/plugin_registry.h"

namespace nacelle::router {

class TokenLoadScorer final : public Plugin, public Scorer {
 public:
  TokenLoadScorer(double threshold, PrefixSourceId source)
      : threshold_(threshold), source_(source) {}
  static std::shared_ptr<Plugin> make(Fields& fields, BuildContext& context);
  void score(const PickContext& context, const Candidates& candidates,
             std::span<double> scores) const override;

 private:
  double threshold_;  // tokens
  PrefixSourceId source_;
};

}  // namespace nacelle::router
