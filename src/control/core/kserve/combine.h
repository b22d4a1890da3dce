// combine.h: from a service, its base configs and the presets to the one spec that is made real.
//
// Presets, then baseRefs in their order, then the service's own spec are laid over each other by
// strategic merge; only then the templates are rendered, field by field, against what came out.
// So a preset sees what a base config sets, an override by null clears, and quotes or braces in a
// value stay values. The service's own model name wins over that of a base.
//
// Home:    pure.
// Errors:  `reason` and `message` of the condition PresetsCombined; "" when it is True.
// Source:  kserve.md section A6 (with A22 rows 1-3).
#pragma once

#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"
#include "control/core/kserve/global_config.h"
#include "control/core/kserve/spec.h"

namespace nacelle::control::kserve {

// Reads what the service refers to; null when absent.
struct Lookup {
  std::function<const Json*(std::string_view name_space, std::string_view name)> config;
  std::function<const Json*(std::string_view name_space, std::string_view name)> config_map;
};

struct AppliedConfig {
  std::string name, name_space;
  bool preset = false;  // else named by baseRefs
  friend bool operator==(const AppliedConfig&, const AppliedConfig&) = default;
};

struct Combined {
  Json spec;
  std::vector<AppliedConfig> applied;       // in the order of merging
  std::map<std::string, std::string> pins;  // status.annotations of well-known configs
  std::string reason, message;

  [[nodiscard]] bool ok() const { return reason.empty(); }
};

[[nodiscard]] Combined combine(const Json& service, const GlobalConfig& global,
                               const Lookup& lookup);

// Renders a config's templates for a sample service: the error that refuses the config.
[[nodiscard]] Status check_templates(const Json& config, const GlobalConfig& global);

}  // namespace nacelle::control::kserve
