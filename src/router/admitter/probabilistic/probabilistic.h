// probabilistic.h: refuses sheddable requests the more often the fuller the pool is.
//
//   p = min(saturation^power * k, 1), saturation = mean of max(queue / threshold, kv / threshold)
//
// Home:    immutable, pure.
// Source:  router.md section 9.5.
#pragma once

#include <memory>

#include "router/config/fields.h"
#include "router/plugin_registry.h"

namespace nacelle::router {

class ProbabilisticAdmitter final : public Plugin, public Admitter {
 public:
  struct Options {
    double queue_depth_threshold = 5;
    double kv_cache_util_threshold = 0.8;
    double power = 5;
    double k = 300;
  };
  explicit ProbabilisticAdmitter(const Options& options) : options_(options) {}
  static std::shared_ptr<Plugin> make(Fields& fields, BuildContext& context);
  [[nodiscard]] Status admit(const PickContext& context, const Candidates& pool) const override;

 private:
  Options options_;
};

}  // namespace nacelle::router
