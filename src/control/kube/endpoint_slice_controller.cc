#include "control/kube/endpoint_slice_controller.h"

#include <optional>

#include "control/core/workload/endpoint_slice/endpoint_slice.h"
#include "control/core/workload/labels.h"
#include "control/kube/decision_controller.h"

namespace nacelle::control {
namespace {

constexpr const char* kSlices = "discovery.k8s.io/v1";
constexpr const char* kServiceName = "kubernetes.io/service-name";

constexpr const char* kBySelector = "selector";

// One value per label of the selector, as pods are found by.
std::vector<std::string> selected_labels(const Json& service) {
  std::vector<std::string> out;
  const std::string name_space = kube::key_of(service).name_space;
  for (const auto& [label, value] : kube::map_at(service, {"spec", "selector"}).items()) {
    if (!value.is_string()) continue;
    out.push_back(label_value(name_space, label, value.get_ref<const std::string&>()));
  }
  return out;
}

// Pods that carry the rarest label of the selector.
std::vector<Json> pods_of(SharedInformers& informers, const Json& service) {
  const kube::Informer& pods = informers.of("v1", "Pod");
  std::optional<std::vector<kube::CachedObject>> fewest;
  for (const std::string& label : selected_labels(service)) {
    auto found = pods.find(kByLabel, label);
    if (!fewest || found.size() < fewest->size()) fewest = std::move(found);
  }
  std::vector<Json> out;
  if (!fewest) return out;
  const Json& selector = kube::map_at(service, {"spec", "selector"});
  for (const kube::CachedObject& pod : *fewest) {
    if (workload::selects_all(selector, *pod)) out.push_back(*pod);
  }
  return out;
}

std::vector<kube::ObjectKey> services_of(SharedInformers& informers, const Json& pod) {
  std::vector<kube::ObjectKey> out;
  const std::string name_space = kube::key_of(pod).name_space;
  const kube::Informer& services = informers.of("v1", "Service");
  for (const auto& [label, value] : kube::map_at(pod, {"metadata", "labels"}).items()) {
    if (!value.is_string()) continue;
    const auto found = services.find(
        kBySelector, label_value(name_space, label, value.get_ref<const std::string&>()));
    for (const kube::CachedObject& service : found) {
      if (workload::selects_all(kube::map_at(*service, {"spec", "selector"}), pod)) {
        out.push_back(kube::key_of(*service));
      }
    }
  }
  return out;
}

}  // namespace

std::unique_ptr<ControllerUnit> endpoint_slice_controller(Workshop& workshop) {
  SharedInformers& informers = workshop.informers;
  const auto decide = [&informers](const kube::ObjectKey& key, const std::vector<Refusal>&) {
    auto service = informers.get({"v1", "Service", key.name_space, key.name});
    if (!service) return Decision{};
    auto pods = pods_of(informers, *service);
    auto slices = informers.find(kSlices, "EndpointSlice", kByLabel,
                                 label_value(key.name_space, kServiceName, key.name));
    return workload::decide_endpoint_slices(
        {std::move(*service), std::move(pods), std::move(slices)});
  };
  auto unit = std::make_unique<DecisionController>(workshop, "endpoint-slices", decide);
  unit->watch("v1", "Service", DecisionController::own_key);
  // A service is found by the first label of its selector alone.
  informers.of("v1", "Service").add_index(kBySelector, [](const Json& service) {
    std::vector<std::string> labels = selected_labels(service);
    if (labels.size() > 1) labels.resize(1);
    return labels;
  });
  unit->watch("v1", "Pod", [&informers](const Json& pod) { return services_of(informers, pod); });
  unit->watch(kSlices, "EndpointSlice", [](const Json& slice) {
    std::vector<kube::ObjectKey> out;
    const std::string_view service = kube::text_at(slice, {"metadata", "labels", kServiceName});
    if (!service.empty()) out.push_back({kube::key_of(slice).name_space, std::string(service)});
    return out;
  });
  return unit;
}

}  // namespace nacelle::control
