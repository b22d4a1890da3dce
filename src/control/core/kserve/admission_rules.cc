#include "control/core/kserve/admission_rules.h"

#include <algorithm>
#include <charconv>
#include <optional>

namespace nacelle::control::kserve {
namespace {

using kube::find;
using kube::number_at;
using kube::text_at;

void review_parallelism(const Workload& workload, const std::string& at, Review& review) {
  const Parallelism& p = workload.parallelism;
  const std::string field = at + ".parallelism";
  if (workload.multi_node() && !p.data && !p.pipeline) {
    review.required(field, "a worker needs parallelism with data or pipeline");
  }
  if (p.pipeline && p.data) review.forbidden(field, "pipeline and data are mutually exclusive");
  if (p.data.has_value() != p.data_local.has_value()) {
    review.required(field + (p.data ? ".dataLocal" : ".data"),
                    "data and dataLocal must be set together");
  }
  const auto positive = [&](const char* name, const std::optional<std::int64_t>& value) {
    if (value && *value <= 0) review.invalid(field + "." + name, *value, "must be greater than 0");
  };
  positive("tensor", p.tensor);
  positive("pipeline", p.pipeline);
  positive("data", p.data);
  positive("dataLocal", p.data_local);
  if (p.data_rpc_port && (*p.data_rpc_port < 1 || *p.data_rpc_port > 65535)) {
    review.invalid(field + ".dataRPCPort", *p.data_rpc_port, "must be between 1 and 65535");
  }
}

bool is_cost(const Json& cost) {
  if (!cost.is_string()) return false;
  const auto& text = cost.get_ref<const std::string&>();
  const std::size_t point = text.find('.');
  const auto digits = [](std::string_view part) {
    return !part.empty() && part.find_first_not_of("0123456789") == part.npos;
  };
  return digits(std::string_view(text).substr(0, point)) &&
         (point == text.npos || digits(std::string_view(text).substr(point + 1)));
}

void review_keda(const Json& keda, const std::string& at, bool direct, const Json& scaling,
                 Review& review) {
  const auto at_least = [&](const char* name, std::int64_t least) {
    const auto value = number_at(keda, {name});
    if (value && *value < least) {
      review.invalid(at + "." + name, *value, "must be at least " + std::to_string(least));
    }
  };
  at_least("pollingInterval", 1);
  at_least("cooldownPeriod", 0);
  at_least("initialCooldownPeriod", 0);
  at_least("idleReplicaCount", 0);
  const auto idle = number_at(keda, {"idleReplicaCount"});
  const auto least = number_at(scaling, {"minReplicas"});
  if (idle && !least) {
    review.required(at + ".idleReplicaCount", "needs scaling.minReplicas");
  } else if (idle && *idle >= *least) {
    review.invalid(at + ".idleReplicaCount", *idle, "must be below scaling.minReplicas");
  }
  if (find(keda, {"advanced", "horizontalPodAutoscalerConfig", "name"}) != nullptr) {
    review.forbidden(at + ".advanced.horizontalPodAutoscalerConfig.name",
                     "is set by the controller");
  }
  if (!direct && find(keda, {"advanced", "scalingModifiers"}) != nullptr) {
    review.forbidden(at + ".advanced.scalingModifiers", "cannot be used with wva");
  }
  if (direct && kube::list_at(keda, {"triggers"}).empty()) {
    review.required(at + ".triggers", "at least one trigger");
  }
  if (!direct && find(keda, {"triggers"}) != nullptr) {
    review.forbidden(at + ".triggers", "wva brings its own trigger");
  }
}

void review_scaling(const Workload& workload, const std::string& at, Review& review) {
  const Json& scaling = workload.scaling;
  if (scaling.is_null()) return;
  const std::string field = at + ".scaling";
  if (workload.replicas) {
    review.forbidden(at, "replicas and scaling are mutually exclusive");
  }
  const auto least = number_at(scaling, {"minReplicas"}).value_or(1);
  const auto most = number_at(scaling, {"maxReplicas"});
  if (least < 1) review.invalid(field + ".minReplicas", least, "must be at least 1");
  if (!most) {
    review.required(field + ".maxReplicas", "must be set");
  } else if (*most < 1) {
    review.invalid(field + ".maxReplicas", *most, "must be at least 1");
  } else if (*most < least) {
    review.invalid(field + ".maxReplicas", *most, "must not be below minReplicas");
  }
  const Json* wva = find(scaling, {"wva"});
  const Json* keda = find(scaling, {"keda"});
  if ((wva == nullptr) == (keda == nullptr)) {
    review.invalid(field, scaling, "exactly one of wva and keda must be set");
    return;
  }
  if (keda != nullptr) {
    review_keda(*keda, field + ".keda", true, scaling, review);
    return;
  }
  if ((find(*wva, {"hpa"}) == nullptr) == (find(*wva, {"keda"}) == nullptr)) {
    review.invalid(field + ".wva", *wva, "exactly one of hpa and keda must be set");
  }
  if (const Json* below = find(*wva, {"keda"}); below != nullptr) {
    review_keda(*below, field + ".wva.keda", false, scaling, review);
  }
  if (const Json* cost = find(*wva, {"variantCost"}); cost != nullptr && !is_cost(*cost)) {
    review.invalid(field + ".wva.variantCost", *cost, "must be a number in quotes, as \"10.0\"");
  }
}

// A count, or a percentage as a negative-free number with its sign kept.
struct Amount {
  std::int64_t value = 0;
  bool percent = false;
};

std::optional<Amount> amount_of(const Json& value) {
  if (value.is_number_integer()) return Amount{value.get<std::int64_t>(), false};
  if (!value.is_string()) return std::nullopt;
  const auto& text = value.get_ref<const std::string&>();
  Amount out{0, true};
  const char* end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, out.value);
  if (error != std::errc{} || stop + 1 != end || *stop != '%') return std::nullopt;
  return out;
}

void review_rollout(const Workload& workload, const std::string& at, Review& review) {
  if (workload.rollout_strategy.is_null()) return;
  const std::string field = at + ".rolloutStrategy";
  std::optional<Amount> amounts[2];
  const char* names[2] = {"maxUnavailable", "maxSurge"};
  for (int i = 0; i < 2; ++i) {
    const Json* value = find(workload.rollout_strategy, {names[i]});
    if (value == nullptr) continue;
    amounts[i] = amount_of(*value);
    const std::string name = field + "." + names[i];
    if (!amounts[i]) {
      review.invalid(name, *value, "must be a count or a percentage");
      return;
    }
    if (amounts[i]->value < 0) review.invalid(name, *value, "must not be negative");
    if (amounts[i]->percent && amounts[i]->value > 100) {
      review.invalid(name, *value, "must not be above 100%");
    }
  }
  const bool no_unavailable = amounts[0] && amounts[0]->value == 0;
  if (no_unavailable && amounts[1] && amounts[1]->value == 0) {
    review.invalid(field, workload.rollout_strategy,
                   "maxUnavailable and maxSurge cannot both be 0");
  } else if (workload.multi_node() && no_unavailable && !amounts[1]) {
    review.required(field + ".maxSurge", "a multi-node workload with maxUnavailable 0 needs it");
  }
}

void review_offloading(const Workload& workload, const std::string& at, Review& review) {
  const Json& kv = workload.kv_cache_offloading;
  if (kv.is_null()) return;
  const std::string field = at + ".kvCacheOffloading";
  const Json& tiers = kube::list_at(kv, {"secondary"});
  if (!tiers.empty() && find(kv, {"cpu"}) == nullptr) {
    review.required(field + ".cpu", "is needed below secondary tiers");
  }
  if (const Json* policy = find(kv, {"evictionPolicy"});
      policy != nullptr && *policy != "lru" && *policy != "arc") {
    review.unsupported(field + ".evictionPolicy", *policy, "supported values: \"arc\", \"lru\"");
  }
  for (std::size_t i = 0; i < tiers.size(); ++i) {
    const std::string tier = field + ".secondary[" + std::to_string(i) + "].fileSystem";
    const Json* claim = find(tiers[i], {"fileSystem", "pvc"});
    if ((claim == nullptr) == (find(tiers[i], {"fileSystem", "emptyDir"}) == nullptr)) {
      review.invalid(tier, tiers[i], "exactly one of emptyDir and pvc must be set");
    } else if (claim != nullptr &&
               (find(*claim, {"spec"}) == nullptr) == (find(*claim, {"ref"}) == nullptr)) {
      review.invalid(tier + ".pvc", *claim, "exactly one of spec and ref must be set");
    }
  }
}

std::string scaler_of(const Workload& workload) {
  if (workload.scaling.is_null()) return "";
  if (find(workload.scaling, {"keda"}) != nullptr) return "keda";
  return find(workload.scaling, {"wva", "hpa"}) != nullptr ? "wva with hpa" : "wva with keda";
}

}  // namespace

void review_workload(const Workload& workload, const std::string& at, Review& review) {
  if (workload.replicas && *workload.replicas < 0) {
    review.invalid(at + ".replicas", *workload.replicas, "must not be negative");
  }
  review_parallelism(workload, at, review);
  review_scaling(workload, at, review);
  review_rollout(workload, at, review);
  review_offloading(workload, at, review);
}

void review_same_scaler(const Spec& spec, Review& review) {
  if (!spec.prefill) return;
  const std::string main = scaler_of(spec.main);
  const std::string prefill = scaler_of(*spec.prefill);
  if (main.empty() || prefill.empty() || main == prefill) return;
  review.invalid("spec.prefill.scaling", spec.prefill->scaling,
                 "scales by " + prefill + ", but spec.scaling by " + main);
}

void review_sizes(const Spec& before, const Spec& now, Review& review) {
  const auto same = [&](const Workload& a, const Workload& b, const std::string& at) {
    if (!a.multi_node() || !b.multi_node() || a.parallelism.size() == b.parallelism.size()) return;
    review.unsupported(at + ".parallelism",
                       b.parallelism.size() ? Json(*b.parallelism.size()) : Json(),
                       "total parallelism size is immutable");
  };
  same(before.main, now.main, "spec");
  if (before.prefill && now.prefill) same(*before.prefill, *now.prefill, "spec.prefill");
}

void review_name(const Json& service, Review& review) {
  const std::string name = kube::key_of(service).name;
  if (name.empty() || is_dns_label(name)) return;
  review.invalid(
      "metadata.name", name,
      "must be a DNS label of at most 63 characters (a-z, 0-9 and -): it becomes a label "
      "of pods and begins the names of a Service and a Deployment");
}

void review_claims(const Json& service, Review& review) {
  const std::string prefix = "serving.kserve.io/exp-dra-";
  const Json& annotations = kube::map_at(service, {"metadata", "annotations"});
  const auto text = [&](const char* name) { return text_at(annotations, {prefix + name}); };
  const std::string at = "metadata.annotations[" + prefix;
  bool any = false;
  for (const char* name : {"cel-selector", "device-count", "container-name"}) {
    any = any || annotations.contains(prefix + name);
  }
  const std::string_view device = text("device-class");
  if (any && device.empty()) review.required(at + "device-class]", "is needed by the other ones");
  if (!device.empty()) {
    for (std::string_view rest = device; !rest.empty();) {
      const std::size_t point = rest.find('.');
      if (!is_dns_label(rest.substr(0, point))) {
        review.invalid(at + "device-class]", device, "must be a DNS subdomain");
        break;
      }
      rest.remove_prefix(point == rest.npos ? rest.size() : point + 1);
    }
  }
  if (const std::string_view count = text("device-count"); !count.empty()) {
    std::int64_t value = 0;
    const auto [end, error] = std::from_chars(count.data(), count.data() + count.size(), value);
    if (error != std::errc{} || end != count.data() + count.size() || value < 1) {
      review.invalid(at + "device-count]", count, "must be at least 1");
    }
  }
  if (const std::string_view name = text("container-name"); !name.empty() && !is_dns_label(name)) {
    review.invalid(at + "container-name]", name, "must be a DNS label");
  }
  std::string_view lines = text("cel-selector");
  while (!lines.empty()) {
    const std::size_t end = lines.find('\n');
    if (lines.substr(0, end).find_first_not_of(" \t\r") == lines.npos) {
      review.invalid(at + "cel-selector]", text("cel-selector"), "has an empty line");
      break;
    }
    lines.remove_prefix(end == lines.npos ? lines.size() : end + 1);
  }
}

bool is_resource_id(const Json& id) {
  if (!id.is_string()) return false;
  std::string_view rest = id.get_ref<const std::string&>();
  if (!rest.starts_with("kbs:///")) return false;
  rest.remove_prefix(7);
  int segments = 1;
  bool empty = true;
  for (const char c : rest) {
    if (c == '/') {
      if (empty) return false;
      ++segments;
      empty = true;
      continue;
    }
    const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                       c == '_' || c == '.' || c == '-';
    if (!plain) return false;
    empty = false;
  }
  return segments == 3 && !empty;
}

}  // namespace nacelle::control::kserve
