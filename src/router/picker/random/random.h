// random.h: any candidate, uniformly. The baseline that scores are compared with.
//
// Home:    immutable, pure.
// Source:  router.md section 9.1, pickers.
#pragma once

#include <memory>

#include "router/config/fields.h"
#include "router/plugin_registry.h"

namespace nacelle::router {

class RandomPicker final : public Plugin, public Picker {
 public:
  explicit RandomPicker(std::uint32_t max_endpoints) : max_endpoints_(max_endpoints) {}
  static std::shared_ptr<Plugin> make(Fields& fields, BuildContext& context);
  void pick(const PickContext& context, const Candidates& candidates,
            std::span<const double> totals, std::vector<Target>& targets) const override;

 private:
  std::uint32_t max_endpoints_;  // the first is the pick, the rest are fallbacks
};

}  // namespace nacelle::router
