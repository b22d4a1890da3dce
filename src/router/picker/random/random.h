// random.h: any candidate, uniformly. The baseline that scores are compared with.
#pragma once

#include "router/plugin.h"

namespace nacelle::router {

class RandomPicker final : public Picker {
 public:
  [[nodiscard]] std::string_view type() const override { return "random-picker"; }
  std::size_t pick(const PickContext& context, std::span<const Candidate> candidates) override {
    return context.request.random % candidates.size();
  }
};

}  // namespace nacelle::router
