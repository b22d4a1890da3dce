// names.h: names, labels and annotations of the LLMInferenceService contract.
//
// Home:    pure.
// Source:  kserve.md sections A6 (child names), A9 and A19.
#pragma once

#include <string>
#include <string_view>

#include "kube/object.h"

namespace nacelle::control::kserve {

using kube::Json;

inline constexpr std::string_view kGroup = "serving.kserve.io";
inline constexpr std::string_view kVersion = "serving.kserve.io/v1alpha2";
inline constexpr std::string_view kOldVersion = "serving.kserve.io/v1alpha1";
inline constexpr std::string_view kServiceKind = "LLMInferenceService";
inline constexpr std::string_view kConfigKind = "LLMInferenceServiceConfig";

inline constexpr std::string_view kFinalizer = "serving.kserve.io/llmisvc-finalizer";
inline constexpr std::string_view kStopAnnotation = "serving.kserve.io/stop";
inline constexpr std::string_view kRoutingGroupLabel = "serving.kserve.io/routing-group";
inline constexpr std::string_view kModelRoutingAnnotation =
    "serving.kserve.io/model-based-routing-enabled";

// The parts of a service that are endpoints or not, as app.kubernetes.io/component.
inline constexpr std::string_view kComponentWorkload = "llminferenceservice-workload";
inline constexpr std::string_view kComponentPrefill = "llminferenceservice-workload-prefill";
inline constexpr std::string_view kComponentRouter = "llminferenceservice-router";
inline constexpr std::string_view kComponentScheduler = "llminferenceservice-router-scheduler";

// The name of a child: parent + suffix, or with an md5 of the parent where that is above 63.
[[nodiscard]] std::string child_name(std::string_view parent, std::string_view suffix);

// name, part-of and component.
[[nodiscard]] Json common_labels(std::string_view service, std::string_view component);
// Of all pods that answer requests: Service and pool select by them.
[[nodiscard]] Json workload_selector(std::string_view service);

// "publishers/team/models/tiny"
[[nodiscard]] std::string publisher_name(std::string_view name_space, std::string_view model);

[[nodiscard]] bool is_dns_label(std::string_view name);

}  // namespace nacelle::control::kserve
