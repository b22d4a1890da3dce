// utilization.h: keeps endpoints on which all of some gauges are at most a limit.
//
// Home:    immutable, pure.
// Source:  router.md section 9.1.
#pragma once

#include <memory>

#include "router/config/fields.h"
#include "router/plugin_registry.h"

namespace nacelle::router {

class UtilizationFilter final : public Plugin, public Filter {
 public:
  enum class Gauge { kActiveRequests, kRunningRequests, kWaitingQueue, kKvCacheUtilization };
  struct Condition {
    Gauge gauge = Gauge::kActiveRequests;
    double max = 0;
  };
  UtilizationFilter(std::vector<Condition> conditions, bool fallback_on_empty)
      : conditions_(std::move(conditions)), fallback_on_empty_(fallback_on_empty) {}
  static std::shared_ptr<Plugin> make(Fields& fields, BuildContext& context);
  void filter(const PickContext& context, Candidates& candidates) const override;

 private:
  [[nodiscard]] static double read(const PickContext& context, Gauge gauge, std::uint32_t position);
  std::vector<Condition> conditions_;
  bool fallback_on_empty_;
};

}  // namespace nacelle::router
