// scheduler_config.h: the EndpointPickerConfig that a managed scheduler starts with.
//
// Home:    pure.
// Source:  kserve.md section A12, defaults.
#pragma once

#include <string>

#include "control/core/kserve/spec.h"

namespace nacelle::control::kserve {

// The spec's inline config, or the default for its shape and adapters. As JSON, which is YAML.
[[nodiscard]] std::string scheduler_config_text(const Spec& spec);

}  // namespace nacelle::control::kserve
