// service_form.h: an LLMInferenceService of inference.llm-d.ai in the form of serving.kserve.io,
// so that both kinds become one typed model and are made real by the same code.
//
// Home:    pure.
// Source:  scaling-and-benchmarks.md section 8, rows 17 and 21; kserve.md section A2.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "kube/object.h"

namespace nacelle::control::llmd {

// Where the weights are: "hf://org/name" of HuggingFace, else the source's own uri; an id that is a
// uri or an absolute path stands for itself.
[[nodiscard]] std::string model_uri(const kube::Json& service);

// The object with its metadata as they are, and a spec that serving.kserve.io's combine() takes:
// model, replicas, the container `main`, and a route, a gateway and a scheduler by presets.
[[nodiscard]] kube::Json kserve_form(const kube::Json& service, std::int64_t replicas);

// The devices that one replica asks for by its limits, "nvidia.com/gpu" or
// "nacelle.dev/accelerator"; the first by name of those with the greatest amount.
struct DeviceAsk {
  std::string resource;    // "" when none is named
  std::int64_t count = 0;  // 0 then
};
[[nodiscard]] DeviceAsk device_ask(const kube::Json& service);
// Their number; 1 when none is named.
[[nodiscard]] std::int64_t devices_of(const kube::Json& service);

}  // namespace nacelle::control::llmd
