#include "control/core/kserve/ignored_fields.h"

#include <string>

#include "control/core/pod/program.h"
#include "kube/pod.h"

namespace nacelle::control::kserve {
namespace {

using kube::find;
using kube::text_at;

// Where conversion keeps them: model-criticality, lora-criticalities.
constexpr const char* kKept = "internal.serving.kserve.io/";

bool is_set(const Json* value) {
  return value != nullptr && !value->is_null() &&
         !((value->is_object() || value->is_array()) && value->empty());
}

void warn_of_model(const Json& object, const Spec& spec, Review& review) {
  for (const auto& [name, value] : kube::map_at(object, {"metadata", "annotations"}).items()) {
    if (!name.starts_with(kKept) || name.find("criticalit") == name.npos) continue;
    review.warnings.push_back(
        "criticality of a model (v1alpha1) is kept and not used: an InferenceObjective has "
        "priorities");
    break;
  }
  const Json* confidential = find(object, {"spec", "model", "confidential"});
  if (!is_set(confidential)) return;
  const bool mounted = spec.model.uri.starts_with("oci://") || spec.model.uri.starts_with("pvc://");
  review.warnings.push_back(mounted ? "spec.model.confidential has no effect on models of " +
                                          spec.model.uri.substr(0, 3) + "://"
                                    : "spec.model.confidential is not used");
}

void warn_of_router(const Spec& spec, const Installation& here, Review& review) {
  if (find(spec.router, {"ingress"}) != nullptr) {
    review.warnings.push_back("spec.router.ingress is not used: no Ingress is made");
  }
  const std::string scheduler = "spec.router.scheduler.";
  if (find(spec.scheduler, {"config", "ref", "optional"}) != nullptr) {
    review.warnings.push_back(scheduler +
                              "config.ref.optional is not used: a ConfigMap that is missing is an "
                              "error");
  }
  if (!here.picker_in_gateway) return;
  for (const char* field :
       {"replicas", "labels", "annotations", "template", "config", "tokenizer"}) {
    if (find(spec.scheduler, {field}) == nullptr) continue;
    review.warnings.push_back(scheduler + field +
                              " is not used: the gateway picks endpoints in process, by the "
                              "GatewayPolicy of the pool");
  }
}

// An image of somebody else keeps its own promises.
bool is_our_engine(const Workload& workload) {
  for (const Json& container : kube::list_at(workload.pod_template, {"containers"})) {
    if (text_at(container, {"name"}) != "main") continue;
    const std::string_view image = text_at(container, {"image"});
    return image.empty() || pod::image_kind(image) == pod::ImageKind::kEngine;
  }
  return true;
}

void warn_of_engine(const Json& object, const Spec& spec, Review& review) {
  const auto ignores = [&](const std::string& field) {
    review.warnings.push_back(
        field + " has no effect: Nacelle's engine accepts the flags and ignores them");
  };
  if (is_set(find(object, {"spec", "model", "lora"}))) ignores("spec.model.lora");
  if (find(object, {"spec", "tracing"}) != nullptr) ignores("spec.tracing");
  const auto of = [&](const Workload& workload, const std::string& at) {
    if (!is_our_engine(workload)) return;
    if (is_set(&workload.kv_cache_offloading)) ignores(at + ".kvCacheOffloading");
    if (workload.parallelism.tensor.value_or(1) > 1) ignores(at + ".parallelism.tensor");
  };
  of(spec.main, "spec");
  if (spec.prefill) of(*spec.prefill, "spec.prefill");
}

void warn_of_pods(const Spec& spec, Review& review) {
  const auto of = [&](const Json* pod, const std::string& at) {
    if (pod == nullptr) return;
    Json copy = *pod;
    for (const std::string& field : kube::remove_unknown_pod_fields(copy)) {
      review.warnings.push_back("unknown field \"" + at + "." + field + "\" is not used");
    }
  };
  of(&spec.main.pod_template, "spec.template");
  of(&spec.main.worker, "spec.worker");
  if (spec.prefill) {
    of(&spec.prefill->pod_template, "spec.prefill.template");
    of(&spec.prefill->worker, "spec.prefill.worker");
  }
  of(find(spec.scheduler, {"template"}), "spec.router.scheduler.template");
  of(find(spec.scheduler, {"tokenizer", "template"}), "spec.router.scheduler.tokenizer.template");
}

}  // namespace

void warn_of_ignored(const Json& object, const Spec& spec, const Installation& here,
                     Review& review) {
  warn_of_model(object, spec, review);
  warn_of_router(spec, here, review);
  if (here.own_engine && is_our_engine(spec.main)) warn_of_engine(object, spec, review);
  warn_of_pods(spec, review);
}

void warn_without_worker(const Spec& spec, Review& review) {
  const auto of = [&](const Workload& workload, const std::string& at) {
    if (workload.multi_node()) return;
    const auto unused = [&](const char* field) {
      review.warnings.push_back(at + ".parallelism." + field + " is not used without " + at +
                                ".worker");
    };
    if (workload.parallelism.pipeline) unused("pipeline");
    if (workload.parallelism.data) unused("data");
    if (workload.parallelism.data_local) unused("dataLocal");
    if (workload.parallelism.data_rpc_port) unused("dataRPCPort");
    if (workload.parallelism.expert) unused("expert");
  };
  of(spec.main, "spec");
  if (spec.prefill) of(*spec.prefill, "spec.prefill");
}

}  // namespace nacelle::control::kserve
