// version.h: what this build calls itself.
#pragma once

#include <string_view>

namespace nacelle::apps {

inline constexpr std::string_view kVersion = NACELLE_VERSION;

// The vLLM release whose command line and wire this build follows; operators that deploy vLLM read
// it from `vllm --version` and GET /version to decide which flags they may pass (engine.md section
// 3).
inline constexpr std::string_view kVllmVersion = "0.22.1";

}  // namespace nacelle::apps
