// cells_core.cc: rows of services, nodes, volumes, events and endpoints.
#include <algorithm>

#include <fmt/format.h>

#include "kube/schema/cells.h"

namespace nacelle::kube::schema {
namespace {

std::string text(const Json& object, Path path) { return std::string(text_at(object, path)); }

std::string access_modes(const Json& object, Path path) {
  std::vector<std::string> out;
  for (const Json& mode : list_at(object, path)) {
    if (mode == "ReadWriteOnce") out.emplace_back("RWO");
    if (mode == "ReadOnlyMany") out.emplace_back("ROX");
    if (mode == "ReadWriteMany") out.emplace_back("RWX");
    if (mode == "ReadWriteOncePod") out.emplace_back("RWOP");
  }
  return joined(out);
}

std::string service_ports(const Json& object) {
  std::vector<std::string> out;
  for (const Json& port : list_at(object, {"spec", "ports"})) {
    const auto number = number_at(port, {"port"}).value_or(0);
    const auto node = number_at(port, {"nodePort"}).value_or(0);
    const std::string_view protocol = text_at(port, {"protocol"});
    out.push_back(node != 0 ? fmt::format("{}:{}/{}", number, node, protocol)
                            : fmt::format("{}/{}", number, protocol));
  }
  return or_none(joined(out));
}

std::string external_ip(const Json& object) {
  std::vector<std::string> out;
  for (const Json& one : list_at(object, {"status", "loadBalancer", "ingress"})) {
    out.push_back(text_at(one, {"ip"}).empty() ? text(one, {"hostname"}) : text(one, {"ip"}));
  }
  for (const Json& one : list_at(object, {"spec", "externalIPs"})) {
    if (one.is_string()) out.push_back(one);
  }
  const std::string_view type = text_at(object, {"spec", "type"});
  if (type == "ExternalName") return text(object, {"spec", "externalName"});
  if (out.empty() && type == "LoadBalancer") return "<pending>";
  return or_none(joined(out));
}

std::string node_address(const Json& object, std::string_view type) {
  for (const Json& one : list_at(object, {"status", "addresses"})) {
    if (text_at(one, {"type"}) == type) return text(one, {"address"});
  }
  return "<none>";
}

std::string node_roles(const Json& object) {
  constexpr std::string_view kPrefix = "node-role.kubernetes.io/";
  std::vector<std::string> out;
  for (const auto& [key, value] : map_at(object, {"metadata", "labels"}).items()) {
    if (key.starts_with(kPrefix)) out.push_back(key.substr(kPrefix.size()));
  }
  return or_none(joined(out));
}

// The first of three, and how many more.
std::string few(const std::vector<std::string>& all) {
  if (all.empty()) return "<none>";
  const auto shown = std::min<std::size_t>(all.size(), 3);
  std::string out = joined({all.begin(), all.begin() + static_cast<std::ptrdiff_t>(shown)});
  if (all.size() > shown) out += fmt::format(" + {} more...", all.size() - shown);
  return out;
}

}  // namespace

Json service_cells(const Json& object, std::int64_t now_s) {
  return Json::array({text(object, {"metadata", "name"}), text(object, {"spec", "type"}),
                      or_none(text(object, {"spec", "clusterIP"})), external_ip(object),
                      service_ports(object), object_age(object, now_s),
                      selector_text(map_at(object, {"spec", "selector"}))});
}

Json node_cells(const Json& object, std::int64_t now_s) {
  std::string status = "Unknown";
  for (const Json& condition : list_at(object, {"status", "conditions"})) {
    if (text_at(condition, {"type"}) != "Ready") continue;
    status = text_at(condition, {"status"}) == "True" ? "Ready" : "NotReady";
  }
  if (bool_at(object, {"spec", "unschedulable"})) status += ",SchedulingDisabled";
  return Json::array(
      {text(object, {"metadata", "name"}), status, node_roles(object), object_age(object, now_s),
       text(object, {"status", "nodeInfo", "kubeletVersion"}), node_address(object, "InternalIP"),
       node_address(object, "ExternalIP"), or_none(text(object, {"status", "nodeInfo", "osImage"})),
       or_none(text(object, {"status", "nodeInfo", "kernelVersion"})),
       or_none(text(object, {"status", "nodeInfo", "containerRuntimeVersion"}))});
}

Json claim_cells(const Json& object, std::int64_t now_s) {
  std::string phase = text(object, {"status", "phase"});
  if (is_being_deleted(object)) phase = "Terminating";
  const std::string volume = text(object, {"spec", "volumeName"});
  const bool bound = !volume.empty();
  return Json::array({text(object, {"metadata", "name"}), phase, volume,
                      bound ? text(object, {"status", "capacity", "storage"}) : "",
                      bound ? access_modes(object, {"status", "accessModes"}) : "",
                      text(object, {"spec", "storageClassName"}), "<unset>",
                      object_age(object, now_s), text(object, {"spec", "volumeMode"})});
}

Json volume_cells(const Json& object, std::int64_t now_s) {
  std::string phase = text(object, {"status", "phase"});
  if (is_being_deleted(object)) phase = "Terminating";
  std::string claim;
  if (kube::find(object, {"spec", "claimRef"}) != nullptr) {
    claim = text(object, {"spec", "claimRef", "namespace"}) + "/" +
            text(object, {"spec", "claimRef", "name"});
  }
  return Json::array(
      {text(object, {"metadata", "name"}), text(object, {"spec", "capacity", "storage"}),
       access_modes(object, {"spec", "accessModes"}),
       text(object, {"spec", "persistentVolumeReclaimPolicy"}), phase, claim,
       text(object, {"spec", "storageClassName"}), "<unset>", text(object, {"status", "reason"}),
       object_age(object, now_s), text(object, {"spec", "volumeMode"})});
}

Json event_cells(const Json& object, std::int64_t now_s) {
  // Both forms of an event.
  const auto pick = [&](Path core, Path other) {
    return text_at(object, core).empty() ? text(object, other) : text(object, core);
  };
  std::string last = text(object, {"series", "lastObservedTime"});
  if (last.empty()) last = pick({"lastTimestamp"}, {"deprecatedLastTimestamp"});
  std::string first = pick({"firstTimestamp"}, {"deprecatedFirstTimestamp"});
  const std::string at = text(object, {"eventTime"});
  if (last.empty()) last = at;
  if (first.empty()) first = at.empty() ? last : at;
  std::string kind = pick({"involvedObject", "kind"}, {"regarding", "kind"});
  for (char& c : kind) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
  std::string source = pick({"source", "component"}, {"deprecatedSource", "component"});
  if (source.empty()) source = pick({"reportingComponent"}, {"reportingController"});
  const std::string host = pick({"source", "host"}, {"deprecatedSource", "host"});
  if (!host.empty()) source += ", " + host;
  auto count = number_at(object, {"series", "count"});
  if (!count) count = number_at(object, {"count"});
  if (!count) count = number_at(object, {"deprecatedCount"});
  return Json::array({age_of(last, now_s), text(object, {"type"}), text(object, {"reason"}),
                      kind + "/" + pick({"involvedObject", "name"}, {"regarding", "name"}),
                      pick({"involvedObject", "fieldPath"}, {"regarding", "fieldPath"}), source,
                      pick({"message"}, {"note"}), age_of(first, now_s),
                      std::to_string(count.value_or(1)), text(object, {"metadata", "name"})});
}

Json endpoints_cells(const Json& object, std::int64_t now_s) {
  std::vector<std::string> all;
  for (const Json& subset : list_at(object, {"subsets"})) {
    for (const Json& address : list_at(subset, {"addresses"})) {
      for (const Json& port : list_at(subset, {"ports"})) {
        all.push_back(
            fmt::format("{}:{}", text_at(address, {"ip"}), number_at(port, {"port"}).value_or(0)));
      }
    }
  }
  return Json::array({text(object, {"metadata", "name"}), few(all), object_age(object, now_s)});
}

Json endpoint_slice_cells(const Json& object, std::int64_t now_s) {
  std::vector<std::string> ports;
  for (const Json& port : list_at(object, {"ports"})) {
    ports.push_back(std::to_string(number_at(port, {"port"}).value_or(0)));
  }
  std::vector<std::string> addresses;
  for (const Json& endpoint : list_at(object, {"endpoints"})) {
    for (const Json& address : list_at(endpoint, {"addresses"})) {
      if (address.is_string()) addresses.push_back(address);
    }
  }
  return Json::array({text(object, {"metadata", "name"}), text(object, {"addressType"}),
                      ports.empty() ? "<unset>" : few(ports),
                      addresses.empty() ? "<unset>" : few(addresses), object_age(object, now_s)});
}

}  // namespace nacelle::kube::schema
