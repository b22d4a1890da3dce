// serving.h: drops endpoints that do not serve, and those already tried for this request.
//
// Fails open: when no endpoint is marked serving, all untried ones stay, for a wrong health signal
// must not turn into a full outage.
#pragma once

#include "router/plugin.h"

namespace nacelle::router {

class ServingFilter final : public Filter {
 public:
  [[nodiscard]] std::string_view type() const override { return "serving-filter"; }
  void filter(const PickContext& context, std::vector<Candidate>& candidates) const override;
};

}  // namespace nacelle::router
