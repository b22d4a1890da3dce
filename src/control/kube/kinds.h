// kinds.h: the kinds that are ours, for an API server that shall know them.
//
//   options.objects = custom_resource_definitions();  then preset_objects("kserve")
//   options.converters = converters();
//   options.admissions = admissions("kserve");
//
// A cluster gets the same definitions by `kubectl apply --server-side`.
//
// Home:    immutable; any thread.
// Source:  kserve.md sections A1-A6; scaling-and-benchmarks.md sections 8 and 9.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "control/core/kserve/ignored_fields.h"
#include "kube/admission.h"
#include "kube/object.h"

namespace nacelle::control {

// LLMInferenceService and its config of serving.kserve.io (v1alpha2 stored, v1alpha1 served),
// LLMInferenceService and LLMInferencePool of inference.llm-d.ai/v1alpha1.
[[nodiscard]] std::vector<kube::Json> custom_resource_definitions();

// The namespace and in it the LLMInferenceServiceConfigs that services without one are made by.
[[nodiscard]] std::vector<kube::Json> preset_objects(std::string_view system_namespace);

using Converters =
    std::map<std::string, std::function<kube::Json(kube::Json object, std::string_view to_version)>,
             std::less<>>;
[[nodiscard]] Converters converters();

[[nodiscard]] kube::Admissions admissions(std::string_view system_namespace,
                                          kserve::Installation here = {});

}  // namespace nacelle::control
