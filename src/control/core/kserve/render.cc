#include "control/core/kserve/render.h"

#include <algorithm>
#include <array>

#include "base/quantity.h"
#include "base/url_path.h"
#include "control/core/go_template/go_template.h"
#include "control/core/pod/expansion.h"

namespace nacelle::control::kserve {
namespace {

using kube::find;
using kube::number_at;
using kube::text_at;

// Fields that a spec may lack without a template being wrong about it.
constexpr std::array<std::string_view, 37> kOptional = {"model",
                                                        "name",
                                                        "uri",
                                                        "lora",
                                                        "adapters",
                                                        "maxrank",
                                                        "maxadapters",
                                                        "maxcpuadapters",
                                                        "parallelism",
                                                        "tensor",
                                                        "pipeline",
                                                        "data",
                                                        "datalocal",
                                                        "datarpcport",
                                                        "expert",
                                                        "prefill",
                                                        "template",
                                                        "worker",
                                                        "replicas",
                                                        "scaling",
                                                        "router",
                                                        "route",
                                                        "gateway",
                                                        "scheduler",
                                                        "pool",
                                                        "config",
                                                        "tokenizer",
                                                        "tracing",
                                                        "labels",
                                                        "annotations",
                                                        "kvcacheoffloading",
                                                        "rolloutstrategy",
                                                        "confidential",
                                                        "storageinitializer",
                                                        "exporterendpoint",
                                                        "sampler",
                                                        "samplerarg"};

bool may_be_absent(std::string_view name) {
  std::string lower(name);
  std::transform(lower.begin(), lower.end(), lower.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return std::find(kOptional.begin(), kOptional.end(), lower) != kOptional.end();
}

Result<Json> child_name_of(std::span<const Json> arguments) {
  if (arguments.size() != 2 || !arguments[0].is_string() || !arguments[1].is_string()) {
    return invalid_argument("ChildName wants a parent and a suffix");
  }
  return Json(child_name(arguments[0].get<std::string>(), arguments[1].get<std::string>()));
}

// Seconds that the engine has after preStop, with a reserve for what comes after it.
Result<Json> shutdown_timeout(std::span<const Json> arguments) {
  if (arguments.size() != 2 || !arguments[1].is_number_integer()) {
    return invalid_argument("shutdownTimeout wants a pod and seconds of preStop");
  }
  const std::int64_t grace =
      number_at(arguments[0], {"terminationGracePeriodSeconds"}).value_or(60);
  const auto pre_stop = arguments[1].get<std::int64_t>();
  return Json(std::max<std::int64_t>(0, grace - pre_stop - std::min<std::int64_t>(5, grace)));
}

Result<Json> kv_transfer(std::span<const Json> arguments) {
  if (arguments.size() != 1) return invalid_argument("kvTransferConfig wants a workload");
  return Json(kv_transfer_config(arguments[0]));
}

// The name of a field's last part that is no index: "args" of spec.template.containers[0].args[1].
std::string_view list_of(std::string_view field) {
  field = field.substr(0, field.ends_with(']') ? field.rfind('[') : field.size());
  return field.substr(field.rfind('.') + 1);
}

// A pod reads $(NAME) in commands, arguments and variables of its containers, and not in what its
// probes and hooks execute.
bool is_read_by_pod(std::string_view field) {
  if (field.ends_with(".value")) {
    field.remove_suffix(std::string_view(".value").size());
    return list_of(field) == "env";
  }
  if (!field.ends_with(']')) return false;
  const std::string_view list = list_of(field);
  return list == "args" ||
         (list == "command" && field.find(".exec.command[") == std::string_view::npos);
}

// A path of a route is compared with those of requests, which come percent-encoded.
bool is_path_of_route(std::string_view field) {
  return field.starts_with("router.route.") && field.ends_with(".path.value");
}

std::string print_in_field(std::string_view field, std::string value) {
  if (is_read_by_pod(field)) return pod::escaped(value);
  return is_path_of_route(field) ? percent_encode_path(value) : value;
}

void drop_empty_items(Json& list, const Json& before) {
  Json kept = Json::array();
  for (std::size_t i = 0; i < list.size(); ++i) {
    const bool emptied = list[i] == "" && i < before.size() && before[i] != "";
    if (!emptied) kept.push_back(std::move(list[i]));
  }
  list = std::move(kept);
}

// Beside what the templates made of it, the tree as it was.
void drop_empty_arguments(Json& tree, const Json& before) {
  if (tree.is_object()) {
    for (auto& [name, value] : tree.items()) {
      const auto old = before.find(name);
      if (old == before.end()) continue;
      if (value.is_array() && (name == "args" || name == "command")) {
        drop_empty_items(value, *old);
      } else {
        drop_empty_arguments(value, *old);
      }
    }
  } else if (tree.is_array()) {
    for (std::size_t i = 0; i < tree.size(); ++i) drop_empty_arguments(tree[i], before[i]);
  }
}

}  // namespace

std::string kv_transfer_config(const Json& workload) {
  const Json* kv = find(workload, {"kvCacheOffloading"});
  if (kv == nullptr || !kv->is_object()) return "";
  const Json* cpu = find(*kv, {"cpu"});
  const std::string_view policy = text_at(*kv, {"evictionPolicy"});
  Json extra = {{"spec_name", "TieringOffloadingSpec"},
                {"eviction_policy", policy.empty() ? "lru" : policy}};
  if (cpu != nullptr) {
    const auto bytes = Quantity::from_json(*cpu);
    extra["cpu_bytes_to_use"] = bytes.ok() ? bytes->value() : 0;
  }
  const Json& tiers = kube::list_at(*kv, {"secondary"});
  for (std::size_t i = 0; i < tiers.size(); ++i) {
    extra["secondary_tiers"].push_back(
        {{"type", "fs"}, {"root_dir", "/mnt/kv-cache-" + std::to_string(i)}});
  }
  const Json config = {{"kv_connector", "OffloadingConnector"},
                       {"kv_role", "kv_both"},
                       {"kv_connector_extra_config", std::move(extra)}};
  return config.dump(-1, ' ', false, Json::error_handler_t::replace);
}

Status render_spec(Json& spec, const Json& service, const GlobalConfig& global) {
  const kube::ObjectKey key = kube::key_of(service);
  const std::string pool = key.name_space + "/" + child_name(key.name, "-inference-pool");
  go_template::Context context;
  context.root = {{"Name", key.name},
                  {"Namespace", key.name_space},
                  {"ObjectMeta", kube::map_at(service, {"metadata"})},
                  {"Spec", spec},
                  {"GlobalConfig",
                   {{"SystemNamespace", global.system_namespace},
                    {"IngressGatewayName", global.gateway_name},
                    {"IngressGatewayNamespace", global.gateway_namespace},
                    {"EnableTLS", global.tls},
                    {"ModelBasedRoutingHeaderName", global.model_header},
                    {"InferencePoolNamespacedName", pool}}}};
  context.functions = {{"ChildName", child_name_of},
                       {"shutdownTimeout", shutdown_timeout},
                       {"kvTransferConfig", kv_transfer}};
  context.optional = may_be_absent;
  context.print = print_in_field;
  Json model;
  if (const auto at = spec.find("model"); at != spec.end()) {
    model = std::move(*at);
    spec.erase(at);
  }
  const Json before = spec;
  Status status = go_template::render_strings(spec, context);
  if (!model.is_null()) spec["model"] = std::move(model);
  if (!status.ok()) return status.with_context("spec");
  drop_empty_arguments(spec, before);
  return {};
}

}  // namespace nacelle::control::kserve
