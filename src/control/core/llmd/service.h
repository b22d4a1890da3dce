// service.h: what an LLMInferenceService of inference.llm-d.ai needs done: the objects that
// KServe's form of it would have, as many replicas as its load and its pool allow, and its status.
//
// Home:    pure; the state of the autoscaler is a value that the caller keeps.
// Source:  scaling-and-benchmarks.md sections 8 and 9.
#pragma once

#include <cstdint>
#include <optional>

#include "control/core/kserve/decide.h"
#include "control/core/llmd/autoscaler.h"

namespace nacelle::control::llmd {

inline constexpr std::string_view kVersion = "inference.llm-d.ai/v1alpha1";
inline constexpr std::string_view kServiceKind = "LLMInferenceService";
inline constexpr std::string_view kPoolKind = "LLMInferencePool";
inline constexpr std::string_view kFinalizer = "inference.llm-d.ai/llmisvc-finalizer";

struct ServiceObserved {
  kserve::Observed objects;
  std::optional<LoadSample> load;       // `now`, `ready` and `pending` are filled in here
  std::optional<std::int64_t> allowed;  // replicas that its pool allots; nothing: no pool
  std::int64_t now_s = 0;
};

// `state` moves when the service scales by its load.
[[nodiscard]] Decision decide_service(const Json& service, const kserve::GlobalConfig& global,
                                      const kserve::Platform& platform,
                                      const kserve::Lookup& lookup, const ServiceObserved& observed,
                                      AutoscalerState& state);

}  // namespace nacelle::control::llmd
