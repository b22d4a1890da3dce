// objects.h: the children that a service wants, as they are sent to the API.
//
// Each is whole but for what the API fills in. `replicas` is left out while something scales the
// workload, so that an apply leaves the live number alone.
//
// Home:    pure.
// Errors:  invalid_argument from pod_injection.h.
// Source:  kserve.md sections A9, A12, A13, A15.
#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "control/core/kserve/global_config.h"
#include "control/core/kserve/spec.h"

namespace nacelle::control::kserve {

// What of the cluster decides which kinds are made.
struct Platform {
  bool rbac = false;       // accounts, roles and bindings
  bool old_pools = false;  // inference.networking.x-k8s.io/v1alpha2 is there too
  // The gateway picks endpoints by itself: pools have no Endpoint Picker of their own.
  bool picker_in_gateway = false;
};

struct Owner {
  const Json& service;  // the LLMInferenceService
  const Spec& spec;     // combined
  const GlobalConfig& global;
  const Platform& platform;

  [[nodiscard]] std::string name() const { return kube::key_of(service).name; }
  [[nodiscard]] std::string name_space() const { return kube::key_of(service).name_space; }
};

// Metadata with labels and an owner reference.
[[nodiscard]] Json child_metadata(const Owner& owner, const std::string& name, Json labels);

// Deployments or LeaderWorkerSets, their accounts, and the workload Service.
[[nodiscard]] Result<std::vector<Json>> workload_objects(const Owner& owner);
// The Endpoint Picker, its Service, the pools, a tokenizer.
[[nodiscard]] Result<std::vector<Json>> scheduler_objects(const Owner& owner);
// HorizontalPodAutoscalers or ScaledObjects.
[[nodiscard]] std::vector<Json> scaling_objects(const Owner& owner);

// Names of the workloads: `<n>-kserve`, `<n>-kserve-mn`, with -prefill.
[[nodiscard]] std::string workload_name(const Owner& owner, bool prefill);

}  // namespace nacelle::control::kserve
