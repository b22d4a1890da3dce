// pod_injection.h: what a pod that serves a model needs beside what its spec says: the model
// itself, its adapters, tiers of the KV cache, spans.
//
// Home:    pure.
// Errors:  invalid_argument for sources that nothing here fetches: "unsupported schema".
// Source:  kserve.md sections A10, A11 and A20. `file://` is ours: a folder of the node.
#pragma once

#include <string_view>

#include "base/result.h"
#include "control/core/kserve/global_config.h"
#include "control/core/kserve/spec.h"

namespace nacelle::control::kserve {

// Whether a uri needs an init container that fetches it.
[[nodiscard]] bool is_fetched(std::string_view uri);

struct Injection {
  const Spec& spec;
  const Workload& workload;
  const GlobalConfig& global;
  std::string_view name_space;
  std::string_view role;  // "decode" or "prefill", of spans
};

// Into the container `main` of `pod`; a pod without one stays as it is.
[[nodiscard]] Status inject(Json& pod, const Injection& what);

// OpenTelemetry's variables of a service with `tracing`; what the user set stays.
void set_tracing_env(Json& container, const Json& tracing, std::string_view service);

// The model alone, at /mnt/models/base, for tokenizers.
[[nodiscard]] Status inject_model_at_base(Json& pod, const Spec& spec, const GlobalConfig& global);

}  // namespace nacelle::control::kserve
