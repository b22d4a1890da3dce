#include "kube/schema/convert.h"

#include <array>
#include <utility>

namespace nacelle::kube::schema {
namespace {

// core name, events.k8s.io name
constexpr std::array<std::pair<const char*, const char*>, 7> kEventNames = {{
    {"involvedObject", "regarding"},
    {"message", "note"},
    {"source", "deprecatedSource"},
    {"firstTimestamp", "deprecatedFirstTimestamp"},
    {"lastTimestamp", "deprecatedLastTimestamp"},
    {"count", "deprecatedCount"},
    {"reportingComponent", "reportingController"},
}};

void rename(Json& object, const char* from, const char* to) {
  const auto field = object.find(from);
  if (field == object.end()) return;
  Json value = std::move(*field);
  object.erase(field);
  object[to] = std::move(value);
}

Json event_to_core(Json event) {
  for (const auto& [core, other] : kEventNames) rename(event, other, core);
  event["apiVersion"] = "v1";
  return event;
}

Json event_from_core(Json event) {
  for (const auto& [core, other] : kEventNames) rename(event, core, other);
  event["apiVersion"] = "events.k8s.io/v1";
  return event;
}

constexpr const char* kCpuTarget = "targetCPUUtilizationPercentage";
constexpr const char* kMetricsNote = "autoscaling.alpha.kubernetes.io/metrics";
constexpr const char* kBehaviorNote = "autoscaling.alpha.kubernetes.io/behavior";

Json cpu_metric(const Json& percent) {
  return {
      {"type", "Resource"},
      {"resource",
       {{"name", "cpu"}, {"target", {{"type", "Utilization"}, {"averageUtilization", percent}}}}}};
}

bool is_cpu_metric(const Json& metric) {
  return text_at(metric, {"resource", "name"}) == "cpu" &&
         number_at(metric, {"resource", "target", "averageUtilization"}).has_value();
}

// Takes the JSON that an annotation carries; null when it is none.
Json take_note(Json& object, const char* name) {
  if (!object["metadata"].is_object() || !object["metadata"].contains("annotations"))
    return nullptr;
  Json& notes = object["metadata"]["annotations"];
  if (!notes.is_object() || !notes.contains(name) || !notes[name].is_string()) return nullptr;
  Json value = Json::parse(notes[name].get_ref<const std::string&>(), nullptr, false);
  if (value.is_discarded()) return nullptr;
  notes.erase(name);
  if (notes.empty()) object["metadata"].erase("annotations");
  return value;
}

Json hpa_to_v2(Json hpa) {
  hpa["apiVersion"] = "autoscaling/v2";
  Json metrics = take_note(hpa, kMetricsNote);
  Json behavior = take_note(hpa, kBehaviorNote);
  if (!hpa["spec"].is_object()) return hpa;
  Json& spec = hpa["spec"];
  if (!metrics.is_array()) metrics = Json::array();
  if (spec.contains(kCpuTarget)) {
    metrics.insert(metrics.begin(), cpu_metric(spec[kCpuTarget]));
    spec.erase(kCpuTarget);
  }
  if (!metrics.empty()) spec["metrics"] = std::move(metrics);
  if (behavior.is_object()) spec["behavior"] = std::move(behavior);
  if (hpa.contains("status") && hpa["status"].is_object()) {
    hpa["status"].erase("currentCPUUtilizationPercentage");
  }
  return hpa;
}

Json hpa_from_v2(Json hpa) {
  hpa["apiVersion"] = "autoscaling/v1";
  if (!hpa.contains("spec") || !hpa["spec"].is_object()) return hpa;
  Json& spec = hpa["spec"];
  Json rest = Json::array();
  for (const Json& metric : list_at(spec, {"metrics"})) {
    if (is_cpu_metric(metric) && !spec.contains(kCpuTarget)) {
      spec[kCpuTarget] = metric["resource"]["target"]["averageUtilization"];
    } else {
      rest.push_back(metric);
    }
  }
  spec.erase("metrics");
  if (!rest.empty()) hpa["metadata"]["annotations"][kMetricsNote] = rest.dump();
  if (spec.contains("behavior")) {
    hpa["metadata"]["annotations"][kBehaviorNote] = spec["behavior"].dump();
    spec.erase("behavior");
  }
  if (hpa.contains("status") && hpa["status"].is_object()) {
    hpa["status"].erase("currentMetrics");
    hpa["status"].erase("conditions");
  }
  return hpa;
}

}  // namespace

void add_conversion(Kind& kind) {
  if (kind.api_version() == kind.storage_version) return;
  if (kind.group == "events.k8s.io") {
    kind.to_storage = event_to_core;
    kind.from_storage = event_from_core;
  } else if (kind.group == "autoscaling") {
    kind.to_storage = hpa_to_v2;
    kind.from_storage = hpa_from_v2;
  }
}

}  // namespace nacelle::kube::schema
