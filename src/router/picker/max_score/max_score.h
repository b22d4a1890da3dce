// max_score.h: the best score; random among those that tie.
#pragma once

#include "router/plugin.h"

namespace nacelle::router {

class MaxScorePicker final : public Picker {
 public:
  [[nodiscard]] std::string_view type() const override { return "max-score-picker"; }
  std::size_t pick(const PickContext& context, std::span<const Candidate> candidates) override;
};

}  // namespace nacelle::router
