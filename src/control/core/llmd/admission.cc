#include "control/core/llmd/admission.h"

#include <algorithm>
#include <array>
#include <set>
#include <string>

#include "base/quantity.h"
#include "control/core/kserve/admission_rules.h"
#include "control/core/kserve/canary_settings.h"
#include "control/core/llmd/autoscaler.h"

namespace nacelle::control::llmd {
namespace {

using kube::find;
using kube::number_at;
using kube::text_at;

constexpr std::array<std::string_view, 6> kSources = {"HuggingFace", "S3",  "GCS",
                                                      "OCI",         "PVC", "HTTP"};

std::optional<std::int64_t> whole_amount(const kube::Json& quantity) {
  const auto amount = Quantity::from_json(quantity);
  if (!amount.ok()) return std::nullopt;
  return amount->value();
}

void warn_of_unknown(const kube::Json& map, const std::string& at,
                     std::initializer_list<std::string_view> known, Review& review) {
  for (const auto& [name, value] : map.items()) {
    if (std::find(known.begin(), known.end(), name) == known.end()) {
      review.warnings.push_back("unknown field \"" + at + "." + name + "\" is not used");
    }
  }
}

}  // namespace

Review review_service(const kube::Json& service, const kube::Json* before) {
  Review review;
  if (kube::is_being_deleted(service)) return review;
  if (before == nullptr) kserve::review_name(service, review);
  const kube::Json& spec = kube::map_at(service, {"spec"});
  if (text_at(spec, {"model", "id"}).empty()) {
    review.required("spec.model.id", "names the model, as org/name");
  }
  if (const kube::Json* type = find(spec, {"model", "source", "type"}); type != nullptr) {
    const bool known = type->is_string() && std::find(kSources.begin(), kSources.end(),
                                                      type->get<std::string>()) != kSources.end();
    if (!known) {
      review.unsupported("spec.model.source.type", *type,
                         "supported values: \"GCS\", \"HTTP\", \"HuggingFace\", \"OCI\", \"PVC\", "
                         "\"S3\"");
    } else if (*type != "HuggingFace" && text_at(spec, {"model", "source", "uri"}).empty()) {
      review.required("spec.model.source.uri", "a source other than HuggingFace needs one");
    }
  }
  if (const auto replicas = number_at(spec, {"replicas"}); replicas && *replicas < 0) {
    review.invalid("spec.replicas", *replicas, "must not be negative");
  }
  if (const kube::Json* vram = find(spec, {"resources", "vram"});
      vram != nullptr && whole_amount(*vram).value_or(0) < 1) {
    review.invalid("spec.resources.vram", *vram, "must be a quantity above 0, as 40Gi");
  }
  if (const std::string_view type = text_at(spec, {"engine", "type"});
      !type.empty() && type != "vllm" && type != "nacelle") {
    review.warnings.push_back("spec.engine.type \"" + std::string(type) +
                              "\" is not used: the command line is vLLM's");
  }
  for (const kube::Json& arg : kube::list_at(spec, {"engine", "args"})) {
    if (!arg.is_string()) review.invalid("spec.engine.args", arg, "must be texts");
  }
  (void)parse_autoscaling(spec, review);
  (void)parse_pace(service, review);
  (void)kserve::parse_canary(service, review);
  warn_of_unknown(spec, "spec", {"model", "engine", "resources", "replicas", "autoscaling"},
                  review);
  return review;
}

Review review_pool(const kube::Json& pool) {
  Review review;
  if (kube::is_being_deleted(pool)) return review;
  const kube::Json& spec = kube::map_at(pool, {"spec"});
  const kube::Json& services = kube::list_at(spec, {"services"});
  if (services.empty()) review.required("spec.services", "at least one service");
  if (services.size() > kMaxPoolServices) {
    review.invalid("spec.services", services.size(),
                   "must have at most " + std::to_string(kMaxPoolServices) + " services");
  }
  std::set<std::string, std::less<>> names;
  for (std::size_t i = 0; i < services.size(); ++i) {
    const std::string at = "spec.services[" + std::to_string(i) + "]";
    const std::string name(text_at(services[i], {"name"}));
    if (name.empty())
      review.required(at + ".name", "names a service of this namespace");
    else if (!names.insert(name).second)
      review.duplicate(at + ".name", name);
    if (const kube::Json* weight = find(services[i], {"weight"}); weight != nullptr) {
      const auto value = number_at(services[i], {"weight"});
      if (!value || *value < 0 || *value > 1000) {
        review.invalid(at + ".weight", *weight, "must be between 0 and 1000");
      }
    }
    const kube::Json* priority = find(services[i], {"priority"});
    if (priority != nullptr && *priority != "high" && *priority != "normal" && *priority != "low") {
      review.unsupported(at + ".priority", *priority,
                         "supported values: \"high\", \"low\", \"normal\"");
    }
  }
  const kube::Json& policy = kube::map_at(spec, {"resourcePolicy"});
  if (const kube::Json* budget = find(policy, {"gpuBudget"}); budget != nullptr) {
    const auto gpus = whole_amount(*budget);
    const bool whole = budget->is_number_integer() ||
                       (budget->is_string() && budget->get<std::string>().find_first_not_of(
                                                   "0123456789") == std::string::npos);
    if (!gpus || !whole || *gpus < 1 || *gpus > kMaxPoolGpus) {
      review.invalid("spec.resourcePolicy.gpuBudget", *budget, "must be a whole number of GPUs");
    }
  }
  const kube::Json* eviction = find(policy, {"evictionPolicy"});
  if (eviction != nullptr && *eviction != "None" && *eviction != "Fair" &&
      *eviction != "LowPriority") {
    review.unsupported("spec.resourcePolicy.evictionPolicy", *eviction,
                       "supported values: \"Fair\", \"LowPriority\", \"None\"");
  }
  warn_of_unknown(spec, "spec", {"services", "resourcePolicy"}, review);
  warn_of_unknown(policy, "spec.resourcePolicy", {"gpuBudget", "evictionPolicy"}, review);
  return review;
}

PoolSpec parse_pool(const kube::Json& pool) {
  PoolSpec out;
  for (const kube::Json& service : kube::list_at(pool, {"spec", "services"})) {
    const std::string_view priority = text_at(service, {"priority"});
    out.services.push_back({.name = std::string(text_at(service, {"name"})),
                            .weight = number_at(service, {"weight"}).value_or(1),
                            .priority = priority == "high"  ? kHigh
                                        : priority == "low" ? kLow
                                                            : kNormal});
  }
  if (const kube::Json* budget = find(pool, {"spec", "resourcePolicy", "gpuBudget"})) {
    out.budget = whole_amount(*budget);
  }
  const std::string_view eviction = text_at(pool, {"spec", "resourcePolicy", "evictionPolicy"});
  if (eviction == "LowPriority") out.eviction = Eviction::kLowPriority;
  if (eviction == "Fair") out.eviction = Eviction::kFair;
  return out;
}

}  // namespace nacelle::control::llmd
