// round_robin.h: each candidate in turn, by endpoint id. What a plain load balancer does.
#pragma once

#include "router/plugin.h"

namespace nacelle::router {

class RoundRobinPicker final : public Picker {
 public:
  [[nodiscard]] std::string_view type() const override { return "round-robin-picker"; }
  std::size_t pick(const PickContext& context, std::span<const Candidate> candidates) override;

 private:
  std::uint64_t next_ = 0;  // smallest endpoint id that is still to come in this round
};

}  // namespace nacelle::router
