#include "epp/inference_pool.h"

#include <algorithm>
#include <charconv>
#include <set>

#include <fmt/format.h>

#include "kube/pod.h"
#include "net/address.h"

namespace nacelle::epp {
namespace {

using kube::Json;

constexpr std::size_t kMaxPorts = 8;
constexpr const char* kActivePorts[] = {"llm-d.ai/active-ports",
                                        "inference.networking.k8s.io/active-ports"};

Status add_port(const kube::ObjectKey& pool, std::optional<std::int64_t> number,
                std::vector<std::uint16_t>& out) {
  if (!number || *number < 1 || *number > 65535) {
    return invalid_argument("pool {}: a target port is outside 1 to 65535", pool.to_string());
  }
  const auto port = static_cast<std::uint16_t>(*number);
  if (std::find(out.begin(), out.end(), port) != out.end()) {
    return invalid_argument("pool {}: target port {} is given twice", pool.to_string(), port);
  }
  if (out.size() == kMaxPorts) {
    return invalid_argument("pool {}: more than {} target ports", pool.to_string(), kMaxPorts);
  }
  out.push_back(port);
  return {};
}

std::string selector_text(const Json& labels) {
  std::vector<std::pair<std::string, std::string>> out;
  for (const auto& [key, value] : labels.items()) {
    if (value.is_string()) out.emplace_back(key, value.get<std::string>());
  }
  return kube::label_selector(out);
}

// Positions in `ports` that the pod serves now.
std::vector<std::size_t> active_ports(const Json& pod, const std::vector<std::uint16_t>& ports) {
  std::string_view list;
  bool given = false;
  for (const char* name : kActivePorts) {
    if (kube::find(pod, {"metadata", "annotations", name}) == nullptr) continue;
    list = kube::text_at(pod, {"metadata", "annotations", name});
    given = true;
    break;
  }
  std::vector<std::size_t> out;
  if (!given) {
    for (std::size_t i = 0; i < ports.size(); ++i) out.push_back(i);
    return out;
  }
  std::set<std::uint32_t> named;
  while (!list.empty()) {
    std::string_view item = list.substr(0, list.find(','));
    list.remove_prefix(std::min(item.size() + 1, list.size()));
    while (item.starts_with(' ')) item.remove_prefix(1);
    while (item.ends_with(' ')) item.remove_suffix(1);
    std::uint32_t number = 0;
    const auto [end, error] = std::from_chars(item.data(), item.data() + item.size(), number);
    if (error == std::errc() && end == item.data() + item.size()) named.insert(number);
  }
  for (std::size_t i = 0; i < ports.size(); ++i) {
    if (named.contains(ports[i])) out.push_back(i);
  }
  return out;
}

router::Labels labels_of(const Json& pod) {
  router::Labels out;
  for (const auto& [key, value] : kube::map_at(pod, {"metadata", "labels"}).items()) {
    if (value.is_string()) out.emplace_back(key, value.get<std::string>());
  }
  return out;
}

}  // namespace

kube::Resource pool_resource(std::string_view group) {
  return {std::string(group), group == kOldPoolGroup ? "v1alpha2" : "v1", "inferencepools"};
}

Result<InferencePool> parse_inference_pool(const Json& object) {
  InferencePool out;
  out.key = kube::key_of(object);
  const bool is_old = kube::text_at(object, {"apiVersion"}).starts_with(kOldPoolGroup);
  const Json& labels = is_old ? kube::map_at(object, {"spec", "selector"})
                              : kube::map_at(object, {"spec", "selector", "matchLabels"});
  out.selector = selector_text(labels);
  if (out.selector.empty()) {
    // Without labels a pool would be every pod of its namespace.
    return invalid_argument("pool {}: the selector has no labels", out.key.to_string());
  }
  if (is_old) {
    RETURN_IF_ERROR(
        add_port(out.key, kube::number_at(object, {"spec", "targetPortNumber"}), out.ports));
    out.picker_service = kube::text_at(object, {"spec", "extensionRef", "name"});
    out.fail_open = kube::text_at(object, {"spec", "extensionRef", "failureMode"}) == "FailOpen";
    return out;
  }
  for (const Json& port : kube::list_at(object, {"spec", "targetPorts"})) {
    RETURN_IF_ERROR(add_port(out.key, kube::number_at(port, {"number"}), out.ports));
  }
  if (out.ports.empty()) {
    return invalid_argument("pool {}: no target port", out.key.to_string());
  }
  if (const auto protocol = kube::text_at(object, {"spec", "appProtocol"}); !protocol.empty()) {
    out.app_protocol = protocol;
  }
  const std::string_view kind = kube::text_at(object, {"spec", "endpointPickerRef", "kind"});
  if (kind.empty() || kind == "Service") {
    out.picker_service = kube::text_at(object, {"spec", "endpointPickerRef", "name"});
  }
  out.fail_open = kube::text_at(object, {"spec", "endpointPickerRef", "failureMode"}) == "FailOpen";
  return out;
}

std::vector<router::FileEndpoint> endpoints_of(const InferencePool& pool,
                                               const kube::Informer::Objects& pods) {
  std::vector<router::FileEndpoint> out;
  std::set<std::string> addresses;
  for (const auto& [key, pod] : pods) {
    if (!kube::is_ready(*pod)) continue;
    const net::HostPort host{std::string(kube::text_at(*pod, {"status", "podIP"})), 1};
    if (!net::literal_endpoint(host)) continue;  // no address yet
    for (const std::size_t rank : active_ports(*pod, pool.ports)) {
      router::FileEndpoint endpoint;
      endpoint.name = fmt::format("{}-rank-{}", key.name, rank);
      endpoint.name_space = key.name_space;
      endpoint.address = net::HostPort{host.host, pool.ports[rank]}.to_string();
      endpoint.labels = labels_of(*pod);
      if (addresses.insert(endpoint.address).second) out.push_back(std::move(endpoint));
    }
  }
  return out;
}

}  // namespace nacelle::epp
