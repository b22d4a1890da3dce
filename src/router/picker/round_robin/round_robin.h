// round_robin.h: each candidate in turn, by endpoint id. What a plain load balancer does.
//
// Home:    pick() pure; the turn is a column, moved on under the router's lock.
#pragma once

#include <memory>

#include "router/config/fields.h"
#include "router/plugin_registry.h"

namespace nacelle::router {

class RoundRobinPicker final : public Plugin, public Picker, public Producer {
 public:
  explicit RoundRobinPicker(ColumnId column) : column_(column) {}
  static std::shared_ptr<Plugin> make(Fields& fields, BuildContext& context);
  void pick(const PickContext& context, const Candidates& candidates,
            std::span<const double> totals, std::vector<Target>& targets) const override;
  void produce(DecisionInput& input) override;
  void committed(const DecisionInput& input, const Decision& decision) override;

 private:
  ColumnId column_;
  std::uint64_t next_ = 0;  // smallest endpoint id that is still to come in this round
};

}  // namespace nacelle::router
