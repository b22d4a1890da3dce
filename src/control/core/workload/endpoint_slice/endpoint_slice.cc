#include "control/core/workload/endpoint_slice/endpoint_slice.h"

#include <algorithm>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>

#include "control/core/children.h"
#include "control/core/workload/labels.h"
#include "control/core/workload/pod_state.h"

namespace nacelle::control::workload {
namespace {

using kube::text_at;

constexpr const char* kServiceLabel = "kubernetes.io/service-name";
constexpr const char* kManagedBy = "endpointslice.kubernetes.io/managed-by";
constexpr const char* kUs = "endpointslice-controller.k8s.io";

// The number behind a port of the service in this pod; nothing when the pod has no port of the
// name.
std::optional<std::int64_t> resolve(const Json& port, const Json& pod) {
  const Json* target = kube::find(port, {"targetPort"});
  if (target == nullptr) return kube::number_at(port, {"port"});
  if (target->is_number_integer()) return target->get<std::int64_t>();
  for (const char* list : {"containers", "initContainers"}) {
    for (const Json& container : kube::list_at(pod, {"spec", list})) {
      for (const Json& each : kube::list_at(container, {"ports"})) {
        const bool same_protocol = each.value("protocol", "TCP") == port.value("protocol", "TCP");
        if (text_at(each, {"name"}) == target->get_ref<const std::string&>() && same_protocol) {
          return kube::number_at(each, {"containerPort"});
        }
      }
    }
  }
  return std::nullopt;
}

Json ports_of(const Json& service, const Json& pod) {
  Json out = Json::array();
  for (const Json& port : kube::list_at(service, {"spec", "ports"})) {
    const Json* target = kube::find(port, {"targetPort"});
    if (target != nullptr && !target->is_number_integer() && !target->is_string()) continue;
    const auto number = resolve(port, pod);
    if (!number) continue;
    Json entry = {{"name", text_at(port, {"name"})},
                  {"port", *number},
                  {"protocol", port.value("protocol", "TCP")}};
    if (port.contains("appProtocol")) entry["appProtocol"] = port["appProtocol"];
    out.push_back(std::move(entry));
  }
  return out;
}

Json endpoint_of(const Json& service, const Json& pod) {
  const bool terminating = kube::is_being_deleted(pod);
  const bool serving = is_serving(pod);
  const bool always = kube::bool_at(service, {"spec", "publishNotReadyAddresses"});
  Json out = {{"addresses", Json::array({text_at(pod, {"status", "podIP"})})},
              {"conditions",
               {{"ready", (serving && !terminating) || always},
                {"serving", serving},
                {"terminating", terminating}}},
              {"targetRef",
               {{"kind", "Pod"},
                {"name", kube::key_of(pod).name},
                {"namespace", kube::key_of(pod).name_space},
                {"uid", text_at(pod, {"metadata", "uid"})}}}};
  if (const std::string_view node = text_at(pod, {"spec", "nodeName"}); !node.empty()) {
    out["nodeName"] = node;
  }
  if (const std::string_view host = text_at(pod, {"spec", "hostname"});
      !host.empty() && text_at(pod, {"spec", "subdomain"}) == kube::key_of(service).name) {
    out["hostname"] = host;
  }
  return out;
}

class SliceDecider {
 public:
  explicit SliceDecider(const EndpointSliceObserved& observed)
      : observed_(observed),
        service_(observed.service),
        key_(kube::key_of(service_)),
        uid_(text_at(service_, {"metadata", "uid"})) {}

  Decision run() {
    const Json& selector = kube::map_at(service_, {"spec", "selector"});
    const bool ours = !selector.empty() && !kube::is_being_deleted(service_) &&
                      text_at(service_, {"spec", "type"}) != "ExternalName";
    if (!ours) return {};  // somebody else's slices stay
    collect(selector);
    for (const Json& slice : observed_.slices) {
      names_.insert(kube::key_of(slice).name);
      if (text_at(slice, {"metadata", "labels", kServiceLabel}) != key_.name) continue;
      if (text_at(slice, {"metadata", "labels", kManagedBy}) != kUs) continue;
      if (controller_of(slice) == uid_) own_.push_back(&slice);
    }
    for (auto& [ports, endpoints] : wanted_) place(Json::parse(ports), endpoints);
    for (const Json* slice : own_) {
      if (used_.contains(slice)) continue;
      decision_.actions.push_back(
          Delete{target_of(*slice), std::string(text_at(*slice, {"metadata", "uid"}))});
    }
    return std::move(decision_);
  }

 private:
  using Endpoints = std::map<std::string, Json>;  // by uid of the pod

  void collect(const Json& selector) {
    for (const Json& pod : observed_.pods) {
      const std::string_view phase = text_at(pod, {"status", "phase"});
      if (!selects_all(selector, pod) || text_at(pod, {"status", "podIP"}).empty()) continue;
      if (phase == "Succeeded" || phase == "Failed") continue;
      const std::string ports = ports_of(service_, pod).dump();
      wanted_[ports][std::string(text_at(pod, {"metadata", "uid"}))] = endpoint_of(service_, pod);
    }
    // A service without pods has one empty slice, so that readers know it is looked after.
    if (wanted_.empty()) wanted_[Json::array().dump()];
  }

  // Spreads the endpoints of one set of ports over the slices that have it.
  void place(const Json& ports, Endpoints& endpoints) {
    std::vector<std::pair<const Json*, Json>> slices;
    for (const Json* slice : own_) {
      if (kube::list_at(*slice, {"ports"}) != ports) continue;
      Json kept = Json::array();
      for (const Json& old : kube::list_at(*slice, {"endpoints"})) {
        const auto at = endpoints.find(std::string(text_at(old, {"targetRef", "uid"})));
        if (at == endpoints.end()) continue;
        kept.push_back(std::move(at->second));
        endpoints.erase(at);
      }
      slices.emplace_back(slice, std::move(kept));
    }
    const auto add = [&](Json endpoint) {
      for (auto& [slice, list] : slices) {
        if (list.size() < kMaxEndpoints) {
          list.push_back(std::move(endpoint));
          return;
        }
      }
      slices.emplace_back(nullptr, Json::array({std::move(endpoint)}));
    };
    for (auto& [uid, endpoint] : endpoints) add(std::move(endpoint));
    if (slices.empty()) slices.emplace_back(nullptr, Json::array());
    const bool any = std::any_of(slices.begin(), slices.end(),
                                 [](const auto& slice) { return !slice.second.empty(); });
    bool first = true;
    for (auto& [slice, list] : slices) {
      const bool needed = !list.empty() || (!any && first);
      first = false;
      if (needed) write(slice, ports, std::move(list));
    }
  }

  void write(const Json* slice, const Json& ports, Json endpoints) {
    if (slice == nullptr) {
      decision_.actions.push_back(Create{new_slice(ports, std::move(endpoints))});
      return;
    }
    used_.insert(slice);
    if (kube::list_at(*slice, {"endpoints"}) == endpoints) return;
    Json updated = *slice;
    updated["endpoints"] = std::move(endpoints);
    decision_.actions.push_back(Update{std::move(updated)});
  }

  Json new_slice(const Json& ports, Json endpoints) {
    std::string name;
    for (std::uint64_t number = 0; name.empty(); ++number) {
      const std::string candidate = key_.name + "-" + name_suffix(uid_, number);
      if (names_.insert(candidate).second) name = candidate;
    }
    Json labels = kube::map_at(service_, {"metadata", "labels"});
    labels[kServiceLabel] = key_.name;
    labels[kManagedBy] = kUs;
    if (text_at(service_, {"spec", "clusterIP"}) == "None") {
      labels["service.kubernetes.io/headless"] = "";
    }
    return {{"apiVersion", "discovery.k8s.io/v1"},
            {"kind", "EndpointSlice"},
            {"metadata",
             {{"name", name},
              {"generateName", key_.name + "-"},
              {"namespace", key_.name_space},
              {"labels", std::move(labels)},
              {"ownerReferences", Json::array({controller_reference(service_)})}}},
            {"addressType", "IPv4"},
            {"ports", ports},
            {"endpoints", std::move(endpoints)}};
  }

  const EndpointSliceObserved& observed_;
  const Json& service_;
  const kube::ObjectKey key_;
  const std::string uid_;
  std::map<std::string, Endpoints> wanted_;  // by ports as text
  std::vector<const Json*> own_;
  std::set<const Json*> used_;
  std::set<std::string> names_;
  Decision decision_;
};

}  // namespace

Decision decide_endpoint_slices(const EndpointSliceObserved& observed) {
  return SliceDecider(observed).run();
}

}  // namespace nacelle::control::workload
