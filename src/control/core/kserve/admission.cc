#include "control/core/kserve/admission.h"

#include <algorithm>
#include <set>
#include <string>

#include "control/core/kserve/admission_rules.h"
#include "control/core/kserve/canary_settings.h"
#include "control/core/kserve/spec.h"

namespace nacelle::control::kserve {
namespace {

using kube::find;
using kube::number_at;
using kube::text_at;

void review_route(const Spec& spec, Review& review) {
  const std::string at = "spec.router.route";
  const Json* refs = find(spec.route, {"http", "refs"});
  const Json* http = find(spec.route, {"http", "spec"});
  const bool has_refs = refs != nullptr && !refs->empty();
  if (has_refs && http != nullptr) {
    review.forbidden(at + ".http", "refs and spec are mutually exclusive");
  }
  const Json* gateways = find(spec.gateway, {"refs"});
  if (has_refs && !spec.gateway.is_null() && (gateways == nullptr || gateways->empty())) {
    review.forbidden("spec.router.gateway",
                     "a managed gateway cannot be used with routes that are referenced "
                     "(router.route.http.refs)");
  }
  const Json* group = find(spec.route, {"group"});
  const auto weight = number_at(spec.route, {"weight"});
  if (group != nullptr && !weight) review.required(at + ".weight", "group needs a weight");
  if (group == nullptr && weight) review.required(at + ".group", "weight needs a group");
  if (group != nullptr && (!group->is_string() || !is_dns_label(group->get<std::string>()))) {
    review.invalid(at + ".group", *group, "must be a DNS label of at most 63 characters");
  }
  if (weight && (*weight < 0 || *weight > 1'000'000)) {
    review.invalid(at + ".weight", *weight, "must be between 0 and 1000000");
  }
  if (group != nullptr && has_refs) {
    review.forbidden(at + ".group", "cannot be used with router.route.http.refs");
  }
  if (group != nullptr && find(spec.router, {"ingress"}) != nullptr) {
    review.forbidden(at + ".group", "cannot be used with router.ingress");
  }
}

// Gateways named twice must be the same ones.
void review_parents(const Spec& spec, Review& review) {
  const Json& gateways = kube::list_at(spec.gateway, {"refs"});
  const Json& parents = kube::list_at(spec.route, {"http", "spec", "parentRefs"});
  if (gateways.empty() || parents.empty()) return;
  const auto keys = [](const Json& refs) {
    std::set<std::string> out;
    for (const Json& ref : refs) {
      out.insert(std::string(text_at(ref, {"namespace"})) + "/" +
                 std::string(text_at(ref, {"name"})) + "/" +
                 std::string(text_at(ref, {"sectionName"})));
    }
    return out;
  };
  if (keys(gateways) == keys(parents)) {
    review.warnings.push_back(
        "spec.router.route.http.spec.parentRefs repeats spec.router.gateway.refs; one is enough");
  } else {
    review.forbidden("spec.router.route.http.spec.parentRefs",
                     "names other gateways than spec.router.gateway.refs");
  }
}

void review_scheduler(const Spec& spec, Review& review) {
  const std::string at = "spec.router.scheduler";
  if (const auto replicas = number_at(spec.scheduler, {"replicas"}); replicas && *replicas <= 0) {
    review.invalid(at + ".replicas", *replicas, "must be greater than 0");
  }
  if (find(spec.scheduler, {"pool", "spec"}) && find(spec.scheduler, {"pool", "ref"})) {
    review.forbidden(at + ".pool", "spec and ref are mutually exclusive");
  }
  const Json* config = find(spec.scheduler, {"config"});
  if (config == nullptr) return;
  const Json* written = find(*config, {"inline"});
  const Json* ref = find(*config, {"ref"});
  if ((written == nullptr) == (ref == nullptr)) {
    review.invalid(at + ".config", *config, "exactly one of inline and ref must be set");
  }
  if (written != nullptr &&
      written->dump(-1, ' ', false, Json::error_handler_t::replace).size() < 3) {
    review.invalid(at + ".config.inline", *written, "must not be empty");
  }
  if (ref != nullptr && text_at(*ref, {"name"}).empty()) {
    review.required(at + ".config.ref.name", "must name a ConfigMap");
  }
}

void review_lora(const Spec& spec, const Json& service, Review& review) {
  const std::string at = "spec.model.lora";
  const Json& adapters = kube::list_at(service, {"spec", "model", "lora", "adapters"});
  std::set<std::string, std::less<>> names;
  const std::string base =
      spec.model.name.empty() ? std::string(kube::key_of(service).name) : spec.model.name;
  for (std::size_t i = 0; i < adapters.size(); ++i) {
    const std::string field = at + ".adapters[" + std::to_string(i) + "].name";
    const std::string name(text_at(adapters[i], {"name"}));
    if (name.empty()) {
      review.required(field, "every adapter needs a name");
    } else if (name == "." || name == "..") {
      review.invalid(field, name, "cannot be a folder's own name");
    } else if (name == base) {
      review.invalid(field, name, "is the name of the base model");
    } else if (!names.insert(name).second) {
      review.duplicate(field, name);
    }
  }
  for (const char* limit : {"maxRank", "maxAdapters", "maxCpuAdapters"}) {
    const auto value = number_at(service, {"spec", "model", "lora", limit});
    if (value && *value < 1) review.invalid(at + "." + limit, *value, "must be at least 1");
  }
}

void review_model(const Json& service, Review& review) {
  const Json* resource = find(service, {"spec", "model", "confidential", "resourceId"});
  if (resource != nullptr && !is_resource_id(*resource)) {
    review.invalid("spec.model.confidential.resourceId", *resource,
                   "must be kbs:/// followed by three segments");
  }
}

void review_canary(const Spec& spec, const Json& service, Review& review) {
  if (!parse_canary(service, review)) return;
  if (spec.route_group().empty()) return;
  review.warnings.emplace_back(
      "metadata.annotations[nacelle.dev/canary-steps] is not used by a service in a traffic group");
}

}  // namespace

void default_service(Json& service) {
  Json& spec = service["spec"];
  if (!spec.is_object()) spec = Json::object();
  const std::string name = kube::key_of(service).name;
  const Json* model = find(spec, {"model"});
  if ((model == nullptr || model->is_object()) && text_at(spec, {"model", "name"}).empty() &&
      !name.empty()) {
    spec["model"]["name"] = name;
  }
  Json& metadata = service["metadata"];
  const std::string_view group = text_at(spec, {"router", "route", "group"});
  if (!group.empty()) {
    metadata["labels"][std::string(kRoutingGroupLabel)] = group;
  } else if (metadata.contains("labels") && metadata["labels"].is_object()) {
    metadata["labels"].erase(std::string(kRoutingGroupLabel));
  }
}

Review review_service(const Json& service, const Json* before, const Installation& here) {
  Review review;
  if (kube::is_being_deleted(service)) return review;
  const Spec spec = parse_spec(kube::map_at(service, {"spec"}));
  review_route(spec, review);
  review_parents(spec, review);
  review_scheduler(spec, review);
  review_workload(spec.main, "spec", review);
  if (spec.prefill) review_workload(*spec.prefill, "spec.prefill", review);
  review_same_scaler(spec, review);
  review_lora(spec, service, review);
  review_model(service, review);
  review_claims(service, review);
  review_canary(spec, service, review);
  warn_of_ignored(service, spec, here, review);
  warn_without_worker(spec, review);
  if (before == nullptr) review_name(service, review);
  if (before != nullptr) review_sizes(parse_spec(kube::map_at(*before, {"spec"})), spec, review);
  return review;
}

Review review_config(const Json& config, bool well_known, const Installation& here) {
  Review review;
  if (kube::is_being_deleted(config)) return review;
  const Json& spec = kube::map_at(config, {"spec"});
  warn_of_ignored(config, parse_spec(spec), here, review);
  if (const Json* refs = find(spec, {"baseRefs"}); refs != nullptr && !refs->empty()) {
    review.forbidden("spec.baseRefs", "a config cannot have base configs of its own");
  }
  const auto replicas = number_at(spec, {"router", "scheduler", "replicas"});
  if (replicas && *replicas <= 0) {
    review.invalid("spec.router.scheduler.replicas", *replicas, "must be greater than 0");
  }
  if (well_known) {
    review.warnings.push_back("modifying well-known config " + kube::key_of(config).to_string() +
                              " changes every service that uses it");
  }
  return review;
}

}  // namespace nacelle::control::kserve
