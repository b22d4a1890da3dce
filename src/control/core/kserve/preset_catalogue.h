// preset_catalogue.h: the LLMInferenceServiceConfigs that we bring along.
//
// The files are presets/*.yaml. An installation stores them in its system namespace, where people
// read them and may shadow one by a config of the same name in their own namespace.
//
// Home:    immutable; any thread.
// Source:  kserve.md sections A6 and A7; the text is our own.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "control/core/kserve/spec.h"

namespace nacelle::control::kserve {

inline constexpr std::string_view kPresetPrefix = "kserve-";

// All presets as objects, by name.
[[nodiscard]] std::span<const Json> presets();
[[nodiscard]] bool is_preset_name(std::string_view name);

// Suffixes of the presets that a service needs, lowest precedence first. `spec` is the service's
// with its baseRefs laid under it.
[[nodiscard]] std::vector<std::string> presets_for(const Spec& spec);

// Scheduler plugins that need a renderer of prompts.
[[nodiscard]] bool needs_tokenizer(const Spec& spec);

}  // namespace nacelle::control::kserve
