#include "router/config/flow_plugins.h"

namespace nacelle::router {

std::shared_ptr<Plugin> FairnessPolicy::make_program_aware(Fields& fields, BuildContext&) {
  flow::ProgramAwareConfig config;
  bool las = true;
  fields.choice("strategy", las, {{"las", true}});
  fields.number("lasWeightService", config.weight_service, 0, 1e6);
  fields.number("lasWeightHeadWait", config.weight_head_wait, 0, 1e6);
  const auto seconds = [&](std::string_view key, Duration& out) {
    double value = to_seconds(out);
    fields.number(key, value, 1e-3, 86400.0 * 365);
    out = std::chrono::duration_cast<Duration>(std::chrono::duration<double>(value));
  };
  seconds("lasHalfLifeSeconds", config.half_life);
  seconds("evictionTtlSeconds", config.eviction_ttl);
  seconds("evictionSweepSeconds", config.eviction_sweep);
  return std::make_shared<FairnessPolicy>(flow::FairnessKind::kProgramAware, config);
}

std::shared_ptr<Plugin> UsageLimitPolicy::make_static(Fields& fields, BuildContext&) {
  flow::UsageLimitConfig settings;
  fields.number("threshold", settings.threshold, 0, 1000);
  return std::make_shared<UsageLimitPolicy>(settings);
}

std::shared_ptr<Plugin> UsageLimitPolicy::make_holdback(Fields& fields, BuildContext&) {
  flow::UsageLimitConfig settings;
  settings.kind = flow::UsageLimitKind::kPriorityHoldback;
  bool linear = true;
  fields.choice("shape", linear, {{"linear", true}});
  fields.choice("domain", settings.domain,
                {{"rank", flow::UsageLimitConfig::Domain::kRank},
                 {"value", flow::UsageLimitConfig::Domain::kValue}});
  if (!fields.has("minCeiling") && fields.path().find("parameters") != std::string::npos) {
    fields.problem("minCeiling", "is missing");
  }
  fields.number("minCeiling", settings.min_ceiling, 0, 1000);
  fields.number("maxCeiling", settings.max_ceiling, 0, 1000);
  if (settings.min_ceiling > settings.max_ceiling) {
    fields.problem("minCeiling", fmt::format("{} is above maxCeiling {}", settings.min_ceiling,
                                             settings.max_ceiling));
  }
  return std::make_shared<UsageLimitPolicy>(settings);
}

std::shared_ptr<Plugin> UsageLimitPolicy::make_reflective(Fields&, BuildContext&) {
  flow::UsageLimitConfig settings;
  settings.kind = flow::UsageLimitKind::kSoftReflectiveCeiling;
  return std::make_shared<UsageLimitPolicy>(settings);
}

}  // namespace nacelle::router
