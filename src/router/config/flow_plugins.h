// flow_plugins.h: flow-control policies as plugins of a configuration. They hold settings; flow/
// acts on them.
//
// Home:    immutable.
// Source:  router.md section 12.3.
#pragma once

#include <memory>

#include "router/config/fields.h"
#include "router/flow/flow_config.h"
#include "router/plugin_registry.h"

namespace nacelle::router {

class FairnessPolicy final : public Plugin {
 public:
  FairnessPolicy(flow::FairnessKind kind, const flow::ProgramAwareConfig& program_aware)
      : kind_(kind), program_aware_(program_aware) {}
  template <flow::FairnessKind kind>
  static std::shared_ptr<Plugin> make(Fields&, BuildContext&) {
    return std::make_shared<FairnessPolicy>(kind, flow::ProgramAwareConfig());
  }
  static std::shared_ptr<Plugin> make_program_aware(Fields& fields, BuildContext& context);
  [[nodiscard]] flow::FairnessKind kind() const { return kind_; }
  [[nodiscard]] const flow::ProgramAwareConfig& program_aware() const { return program_aware_; }

 private:
  flow::FairnessKind kind_;
  flow::ProgramAwareConfig program_aware_;
};

class OrderingPolicy final : public Plugin {
 public:
  explicit OrderingPolicy(flow::OrderingKind kind) : kind_(kind) {}
  template <flow::OrderingKind kind>
  static std::shared_ptr<Plugin> make(Fields&, BuildContext&) {
    return std::make_shared<OrderingPolicy>(kind);
  }
  [[nodiscard]] flow::OrderingKind kind() const { return kind_; }

 private:
  flow::OrderingKind kind_;
};

class UsageLimitPolicy final : public Plugin {
 public:
  explicit UsageLimitPolicy(const flow::UsageLimitConfig& settings) : settings_(settings) {}
  static std::shared_ptr<Plugin> make_static(Fields& fields, BuildContext& context);
  static std::shared_ptr<Plugin> make_holdback(Fields& fields, BuildContext& context);
  static std::shared_ptr<Plugin> make_reflective(Fields& fields, BuildContext& context);
  [[nodiscard]] const flow::UsageLimitConfig& settings() const { return settings_; }

 private:
  flow::UsageLimitConfig settings_;
};

// sheddable-eviction-filter and priority-then-time-eviction-order-policy: the only ones there are.
class EvictionPolicy final : public Plugin {
 public:
  static std::shared_ptr<Plugin> make(Fields&, BuildContext&) {
    return std::make_shared<EvictionPolicy>();
  }
};

}  // namespace nacelle::router
