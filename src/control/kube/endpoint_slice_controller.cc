#include "control/kube/endpoint_slice_controller.h"

#include "control/core/workload/endpoint_slice/endpoint_slice.h"
#include "control/core/workload/labels.h"
#include "control/kube/decision_controller.h"

namespace nacelle::control {
namespace {

constexpr const char* kSlices = "discovery.k8s.io/v1";
constexpr const char* kServiceName = "kubernetes.io/service-name";

// Pods that carry the first label of the selector; the decision looks at the others.
std::vector<Json> pods_of(SharedInformers& informers, const Json& service) {
  const Json& selector = kube::map_at(service, {"spec", "selector"});
  if (selector.empty() || !selector.begin()->is_string()) return {};
  return informers.find("v1", "Pod", kByLabel,
                        label_value(kube::key_of(service).name_space, selector.begin().key(),
                                    selector.begin()->get<std::string>()));
}

std::vector<kube::ObjectKey> services_of(SharedInformers& informers, const Json& pod) {
  std::vector<kube::ObjectKey> out;
  const std::string name_space = kube::key_of(pod).name_space;
  for (const auto& service : informers.of("v1", "Service").find(kByNamespace, name_space)) {
    const Json& selector = kube::map_at(*service, {"spec", "selector"});
    if (!selector.empty() && workload::selects_all(selector, pod)) {
      out.push_back(kube::key_of(*service));
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
