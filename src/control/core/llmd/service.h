// service.h: what an LLMInferenceService of inference.llm-d.ai needs done: the objects that
// KServe's form of it would have, as many replicas as its load and its pool allow, and its status.
//
// A service whose replicas fit on no device gets no objects, since its pods would only crash; those
// that it has stay as they are until it fits or wants no replica.
//
// Home:    pure; the state of the autoscaler is a value that the caller keeps.
// Source:  scaling-and-benchmarks.md sections 8 to 10.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "control/core/kserve/decide.h"
#include "control/core/llmd/autoscaler.h"
#include "control/core/llmd/fit.h"

namespace nacelle::control::llmd {

inline constexpr std::string_view kVersion = "inference.llm-d.ai/v1alpha1";
inline constexpr std::string_view kServiceKind = "LLMInferenceService";
inline constexpr std::string_view kPoolKind = "LLMInferencePool";
inline constexpr std::string_view kFinalizer = "inference.llm-d.ai/llmisvc-finalizer";

struct ServiceObserved {
  kserve::Observed objects;
  std::optional<LoadSample> load;       // `now`, `ready` and `pending` are filled in here
  std::optional<std::int64_t> allowed;  // replicas that its pool allots; nothing: no pool
  std::vector<NodeDevices> devices;     // of all nodes
  ModelFacts model;                     // where needs_model() says that it is needed
  std::string pool_refusal;             // refusal_of() its pool
  std::int64_t now_s = 0;
};

// `state` moves when the service scales by its load.
[[nodiscard]] Decision decide_service(const Json& service, const kserve::GlobalConfig& global,
                                      const kserve::Platform& platform,
                                      const kserve::Lookup& lookup, const ServiceObserved& observed,
                                      AutoscalerState& state);

}  // namespace nacelle::control::llmd
