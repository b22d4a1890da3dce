#include "control/core/kserve/spec.h"

#include <algorithm>

namespace nacelle::control::kserve {
namespace {

using kube::find;
using kube::number_at;
using kube::text_at;

Json or_null(const Json& object, kube::Path path) {
  const Json* value = find(object, path);
  return value == nullptr ? Json() : *value;
}

Json map_or_null(const Json& object, kube::Path path) {
  const Json* value = find(object, path);
  return value == nullptr || !value->is_object() ? Json() : *value;
}

Workload parse_workload(const Json& object) {
  return {.replicas = number_at(object, {"replicas"}),
          .scaling = map_or_null(object, {"scaling"}),
          .parallelism = parse_parallelism(object),
          .has_parallelism = find(object, {"parallelism"}) != nullptr,
          .labels = kube::map_at(object, {"labels"}),
          .annotations = kube::map_at(object, {"annotations"}),
          .pod_template = map_or_null(object, {"template"}),
          .worker = map_or_null(object, {"worker"}),
          .rollout_strategy = map_or_null(object, {"rolloutStrategy"}),
          .kv_cache_offloading = map_or_null(object, {"kvCacheOffloading"})};
}

}  // namespace

std::optional<std::int64_t> Parallelism::size() const {
  if (data || data_local) {
    const std::int64_t all = std::max<std::int64_t>(data.value_or(1), 1);
    const std::int64_t local = std::max<std::int64_t>(data_local.value_or(1), 1);
    return std::max<std::int64_t>(all / local, 1);
  }
  return pipeline;
}

bool Spec::managed_scheduler() const {
  return !scheduler.is_null() && find(scheduler, {"pool", "ref"}) == nullptr;
}

std::string Spec::route_group() const { return std::string(text_at(route, {"group"})); }

Parallelism parse_parallelism(const Json& workload) {
  const Json& parallelism = kube::map_at(workload, {"parallelism"});
  return {.tensor = number_at(parallelism, {"tensor"}),
          .pipeline = number_at(parallelism, {"pipeline"}),
          .data = number_at(parallelism, {"data"}),
          .data_local = number_at(parallelism, {"dataLocal"}),
          .data_rpc_port = number_at(parallelism, {"dataRPCPort"}),
          .expert = kube::bool_at(parallelism, {"expert"})};
}

Spec parse_spec(const Json& spec) {
  Spec out{.main = parse_workload(spec),
           .router = map_or_null(spec, {"router"}),
           .route = map_or_null(spec, {"router", "route"}),
           .gateway = map_or_null(spec, {"router", "gateway"}),
           .scheduler = map_or_null(spec, {"router", "scheduler"}),
           .tracing = map_or_null(spec, {"tracing"})};
  out.model.uri = text_at(spec, {"model", "uri"});
  out.model.name = text_at(spec, {"model", "name"});
  const Json lora = or_null(spec, {"model", "lora"});
  for (const Json& adapter : kube::list_at(lora, {"adapters"})) {
    out.model.adapters.push_back(
        {std::string(text_at(adapter, {"name"})), std::string(text_at(adapter, {"uri"}))});
  }
  std::sort(out.model.adapters.begin(), out.model.adapters.end(),
            [](const Adapter& a, const Adapter& b) { return a.name < b.name; });
  out.model.max_rank = number_at(lora, {"maxRank"});
  out.model.max_adapters = number_at(lora, {"maxAdapters"});
  out.model.max_cpu_adapters = number_at(lora, {"maxCpuAdapters"});
  if (const Json* prefill = find(spec, {"prefill"}); prefill != nullptr && prefill->is_object()) {
    out.prefill = parse_workload(*prefill);
  }
  if (const Json* enabled = find(spec, {"storageInitializer", "enabled"}); enabled != nullptr) {
    out.fetch_model = *enabled != false;
  }
  return out;
}

}  // namespace nacelle::control::kserve
