// config_status.h: who uses an LLMInferenceServiceConfig, and whether it may go.
//
// A config that is used keeps a finalizer: deleting it waits until nobody names it any more.
//
// Home:    pure.
// Source:  kserve.md sections A3, A16 and A17 (ConfigInUse), A21 E10.
#pragma once

#include <string>
#include <vector>

#include "control/core/decision.h"

namespace nacelle::control::kserve {

inline constexpr std::string_view kConfigFinalizer = "serving.kserve.io/llmisvcconfig-finalizer";

// `services` are all: those whose status.appliedConfigs or spec.baseRefs name the config use it.
[[nodiscard]] Decision decide_config(const Json& config, const std::vector<Json>& services,
                                     const std::string& now);

}  // namespace nacelle::control::kserve
