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

// The configs that a service uses: those of its status.appliedConfigs, and of its spec.baseRefs,
// which may not be laid over yet.
[[nodiscard]] std::vector<kube::ObjectKey> configs_of(const Json& service);

// `users` are the services that use the config, in any order.
[[nodiscard]] Decision decide_config(const Json& config, std::vector<kube::ObjectKey> users,
                                     const std::string& now);

}  // namespace nacelle::control::kserve
