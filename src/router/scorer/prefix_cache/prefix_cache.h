// prefix_cache.h: how much of the prompt an endpoint holds, as a share and in absolute length.
//
// Home:    immutable, pure.
// Source:  router.md section 9.2.
#pragma once

#include <memory>

#include "router/config/fields.h"
#include "router/plugin_registry.h"

namespace nacelle::router {

class PrefixCacheScorer final : public Plugin, public Scorer {
 public:
  struct Options {
    double length_weight = 0;  // of the absolute length, against the share
    double length_scale_tokens = 8192;
  };
  PrefixCacheScorer(const Options& options, PrefixSourceId source)
      : options_(options), source_(source) {}
  // `precise-prefix-cache-scorer`: the same over a precise producer with the same parameters.
  static std::shared_ptr<Plugin> make_precise(Fields& fields, BuildContext& context);
  static std::shared_ptr<Plugin> make(Fields& fields, BuildContext& context);
  void score(const PickContext& context, const Candidates& candidates,
             std::span<double> scores) const override;

 private:
  Options options_;
  PrefixSourceId source_;
};

}  // namespace nacelle::router
