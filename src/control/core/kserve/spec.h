// spec.h: an LLMInferenceService's spec, read once and without trust.
//
// Pod specs, route specs and what else is passed through stay JSON; what decisions are made from
// has a type. Works on v1alpha2 (conversion.h brings v1alpha1 there).
//
// Home:    pure; values.
// Errors:  none: what has the wrong type reads as absent. admission.h complains about it.
// Source:  kserve.md section A2.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "control/core/kserve/names.h"

namespace nacelle::control::kserve {

struct Parallelism {
  std::optional<std::int64_t> tensor, pipeline, data, data_local, data_rpc_port;
  bool expert = false;

  // Pods of one multi-node group; nothing when neither data nor pipeline says.
  [[nodiscard]] std::optional<std::int64_t> size() const;
};

struct Workload {
  std::optional<std::int64_t> replicas;
  Json scaling;  // null when absent
  Parallelism parallelism;
  bool has_parallelism = false;
  Json labels, annotations;   // maps
  Json pod_template, worker;  // PodSpec, null when absent; `worker: {}` is present
  Json rollout_strategy;      // null when absent
  Json kv_cache_offloading;   // null when absent

  [[nodiscard]] bool multi_node() const { return !worker.is_null(); }
};

struct Adapter {
  std::string name, uri;
};

struct Model {
  std::string uri, name;
  std::vector<Adapter> adapters;  // by name
  std::optional<std::int64_t> max_rank, max_adapters, max_cpu_adapters;
};

struct Spec {
  Model model;
  Workload main;
  std::optional<Workload> prefill;
  Json router;              // null: no routing objects at all
  Json route;               // null when absent; `{}` is managed
  Json gateway;             // null when absent
  Json scheduler;           // null when absent
  Json tracing;             // null when absent
  bool fetch_model = true;  // storageInitializer.enabled

  [[nodiscard]] bool managed_scheduler() const;
  [[nodiscard]] std::string route_group() const;
};

[[nodiscard]] Spec parse_spec(const Json& spec);
[[nodiscard]] Parallelism parse_parallelism(const Json& workload);

}  // namespace nacelle::control::kserve
