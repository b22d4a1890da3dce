// max_score.h: the best score; random among those that tie.
//
// Home:    immutable, pure.
// Source:  router.md section 9.1, pickers.
#pragma once

#include <memory>

#include "router/config/fields.h"
#include "router/plugin_registry.h"

namespace nacelle::router {

class MaxScorePicker final : public Plugin, public Picker {
 public:
  explicit MaxScorePicker(std::uint32_t max_endpoints) : max_endpoints_(max_endpoints) {}
  static std::shared_ptr<Plugin> make(Fields& fields, BuildContext& context);
  void pick(const PickContext& context, const Candidates& candidates,
            std::span<const double> totals, std::vector<Target>& targets) const override;

 private:
  std::uint32_t max_endpoints_;  // the first is the pick, the rest are fallbacks
};

// `maxNumOfEndpoints`, which all pickers take: 1 unless it is more.
[[nodiscard]] std::uint32_t read_max_endpoints(Fields& fields);

}  // namespace nacelle::router
