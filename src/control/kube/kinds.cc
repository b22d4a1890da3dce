#include "control/kube/kinds.h"

#include <utility>

#include "base/check.h"
#include "control/core/kserve/admission.h"
#include "control/core/kserve/combine.h"
#include "control/core/kserve/conversion.h"
#include "control/core/kserve/preset_catalogue.h"
#include "control/core/llmd/admission.h"
#include "kube/yaml.h"

namespace nacelle::control {
namespace {

using kube::Json;

constexpr std::string_view kSchemaTexts[] = {
#include "kind_schemas.inc"
};

Json schemas(std::size_t file) {
  auto parts = kube::json_of_yaml(kSchemaTexts[file]);
  CHECK(parts.ok());  // our own files
  return *std::move(parts);
}
Json serving_schemas() { return schemas(0); }  // llm_inference_service.yaml
Json llmd_schemas() { return schemas(1); }     // llmd.yaml

Json column(const char* name, const char* path, const char* type = "string") {
  return {{"name", name}, {"type", type}, {"jsonPath", path}};
}

Json ready_columns() {
  return Json::array({column("Ready", R"(.status.conditions[?(@.type=="Ready")].status)"),
                      column("Reason", R"(.status.conditions[?(@.type=="Ready")].reason)")});
}

Json age() { return column("Age", ".metadata.creationTimestamp", "date"); }

struct Version {
  const char* name;
  bool storage;
  Json schema;
};

Json version_of(Version version, const Json& columns) {
  return {{"name", version.name},
          {"served", true},
          {"storage", version.storage},
          {"schema", {{"openAPIV3Schema", std::move(version.schema)}}},
          {"subresources", {{"status", Json::object()}}},
          {"additionalPrinterColumns", columns}};
}

Json definition(const std::string& group, Json names, std::vector<Version> versions,
                const Json& columns) {
  const std::string plural = names["plural"];
  Json list = Json::array();
  for (Version& version : versions) list.push_back(version_of(std::move(version), columns));
  return {{"apiVersion", "apiextensions.k8s.io/v1"},
          {"kind", "CustomResourceDefinition"},
          {"metadata", {{"name", plural + "." + group}}},
          {"spec",
           {{"group", group},
            {"scope", "Namespaced"},
            {"names", std::move(names)},
            {"versions", std::move(list)}}}};
}

Json root(const char* says, Json spec, Json status) {
  return {{"type", "object"},
          {"description", says},
          {"properties",
           {{"apiVersion", {{"type", "string"}}},
            {"kind", {{"type", "string"}}},
            {"metadata", {{"type", "object"}}},
            {"spec", std::move(spec)},
            {"status", std::move(status)}}}};
}

// The spec that a service and a config share.
Json serving_spec(const Json& parts) {
  Json properties = parts["workload"];
  properties["prefill"] = {
      {"type", "object"},
      {"description", "Engines that compute prompts only; those of the service then decode."},
      {"properties", parts["workload"]}};
  for (const char* name : {"model", "router", "tracing", "storageInitializer", "baseRefs"}) {
    properties[name] = parts[name];
  }
  return {{"type", "object"}, {"properties", std::move(properties)}};
}

// v1alpha1 has criticalities, and not what came later.
Json older(Json spec) {
  const Json criticality = {{"type", "string"},
                            {"description", "Kept for later versions and not used."},
                            {"enum", Json::array({"Critical", "Standard", "Sheddable"})}};
  Json& properties = spec["properties"];
  Json& model = properties["model"]["properties"];
  model["criticality"] = criticality;
  model["lora"]["properties"]["adapters"]["items"]["properties"]["criticality"] = criticality;
  model.erase("confidential");
  properties.erase("kvCacheOffloading");
  properties["prefill"]["properties"].erase("kvCacheOffloading");
  return spec;
}

constexpr const char* kService =
    "A model that is served: its engines, a pool of them and a route to it, by the presets of "
    "namespace kserve.";
constexpr const char* kConfig =
    "A part of LLMInferenceServices that several have in common; they name it in spec.baseRefs.";
constexpr const char* kScaledService =
    "A model that is served by as many replicas as its load asks for.";
constexpr const char* kPool = "LLMInferenceServices that share a number of devices.";

void add_serving(std::vector<Json>& out) {
  const Json parts = serving_schemas();
  const std::string group(kserve::kGroup);
  Json service = serving_spec(parts);
  service["required"] = Json::array({"model"});
  Json columns = ready_columns();
  columns.insert(columns.begin(), column("URL", ".status.url"));
  columns.push_back(age());
  Json urls = column("URLs", ".status.addresses[*].url");
  urls["priority"] = 1;
  columns.push_back(std::move(urls));
  out.push_back(
      definition(group,
                 {{"plural", "llminferenceservices"},
                  {"singular", "llminferenceservice"},
                  {"kind", kserve::kServiceKind},
                  {"listKind", "LLMInferenceServiceList"},
                  {"shortNames", Json::array({"llmisvc"})}},
                 {{"v1alpha2", true, root(kService, service, parts["service_status"])},
                  {"v1alpha1", false, root(kService, older(service), parts["service_status"])}},
                 columns));
  const Json config = serving_spec(parts);
  Json config_columns = ready_columns();
  config_columns.push_back(age());
  out.push_back(
      definition(group,
                 {{"plural", "llminferenceserviceconfigs"},
                  {"singular", "llminferenceserviceconfig"},
                  {"kind", kserve::kConfigKind},
                  {"listKind", "LLMInferenceServiceConfigList"}},
                 {{"v1alpha2", true, root(kConfig, config, parts["config_status"])},
                  {"v1alpha1", false, root(kConfig, older(config), parts["config_status"])}},
                 config_columns));
}

void add_llmd(std::vector<Json>& out) {
  const Json parts = llmd_schemas();
  const std::string group = "inference.llm-d.ai";
  Json columns = ready_columns();
  columns.insert(columns.begin(), column("Model", ".spec.model.id"));
  columns.push_back(column("Replicas", ".status.readyReplicas", "integer"));
  columns.push_back(age());
  Json service = definition(
      group,
      {{"plural", "llminferenceservices"},
       {"singular", "llminferenceservice"},
       {"kind", "LLMInferenceService"},
       {"listKind", "LLMInferenceServiceList"}},
      {{"v1alpha1", true, root(kScaledService, parts["service_spec"], parts["service_status"])}},
      columns);
  service["spec"]["versions"][0]["subresources"]["scale"] = {
      {"specReplicasPath", ".spec.replicas"}, {"statusReplicasPath", ".status.replicas"}};
  out.push_back(std::move(service));
  Json pool_columns = ready_columns();
  pool_columns.push_back(column("Budget", ".status.gpuBudget", "integer"));
  pool_columns.push_back(column("Allocated", ".status.gpusAllocated", "integer"));
  pool_columns.push_back(age());
  out.push_back(definition(
      group,
      {{"plural", "llminferencepools"},
       {"singular", "llminferencepool"},
       {"kind", "LLMInferencePool"},
       {"listKind", "LLMInferencePoolList"}},
      {{"v1alpha1", true, root(kPool, parts["pool_spec"], parts["pool_status"])}}, pool_columns));
}

kube::AdmissionAnswer answer_of(Review review) {
  kube::AdmissionAnswer out;
  for (FieldProblem& problem : review.problems) {
    out.causes.push_back(
        {std::move(problem.reason), std::move(problem.field), std::move(problem.message)});
  }
  out.warnings = std::move(review.warnings);
  return out;
}

kube::AdmissionAnswer admit_config(const Json& config, const std::string& system,
                                   const kserve::Installation& here) {
  const kube::ObjectKey key = kube::key_of(config);
  const bool well_known = key.name_space == system && kserve::is_preset_name(key.name);
  Review review = kserve::review_config(config, well_known, here);
  kserve::GlobalConfig global;
  global.system_namespace = system;
  if (Status status = kserve::check_templates(config, global); !status.ok()) {
    review.problems.push_back({"FieldValueInvalid", "spec", "Invalid value: " + status.message()});
  }
  return answer_of(std::move(review));
}

}  // namespace

std::vector<Json> custom_resource_definitions() {
  std::vector<Json> out;
  add_serving(out);
  add_llmd(out);
  return out;
}

std::vector<Json> preset_objects(std::string_view system_namespace) {
  std::vector<Json> out;
  out.push_back(
      {{"apiVersion", "v1"}, {"kind", "Namespace"}, {"metadata", {{"name", system_namespace}}}});
  for (Json preset : kserve::presets()) {
    preset["metadata"]["namespace"] = system_namespace;
    out.push_back(std::move(preset));
  }
  return out;
}

Converters converters() {
  const auto convert = [](Json object, std::string_view to_version) {
    const std::string target = std::string(kserve::kGroup) + "/" + std::string(to_version);
    auto converted = kserve::convert(object, target);
    if (converted.ok()) return *std::move(converted);
    object["apiVersion"] = target;
    return object;
  };
  return {{"llminferenceservices.serving.kserve.io", convert},
          {"llminferenceserviceconfigs.serving.kserve.io", convert}};
}

kube::Admissions admissions(std::string_view system_namespace, kserve::Installation here) {
  return {{"llminferenceservices.serving.kserve.io",
           [here](Json& object, const Json* before) {
             kserve::default_service(object);
             return answer_of(kserve::review_service(object, before, here));
           }},
          {"llminferenceserviceconfigs.serving.kserve.io",
           [here, system = std::string(system_namespace)](Json& object, const Json*) {
             return admit_config(object, system, here);
           }},
          {"llminferenceservices.inference.llm-d.ai",
           [](Json& object, const Json* before) {
             return answer_of(llmd::review_service(object, before));
           }},
          {"llminferencepools.inference.llm-d.ai",
           [](Json& object, const Json*) { return answer_of(llmd::review_pool(object)); }}};
}

}  // namespace nacelle::control
