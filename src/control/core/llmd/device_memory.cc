#include "control/core/llmd/device_memory.h"

#include <algorithm>
#include <map>

#include "base/quantity.h"
#include "control/core/llmd/memory.h"

namespace nacelle::control::llmd {
namespace {

constexpr std::string_view kMemory = ".memory";
constexpr std::int64_t kMostDevices = 1 << 20;

// 0 when it is none.
std::int64_t amount(const kube::Json& value, std::int64_t most) {
  const auto quantity = Quantity::from_json(value);
  return quantity.ok() ? std::clamp<std::int64_t>(quantity->value(), 0, most) : 0;
}

std::int64_t sharers_of(const kube::Json& labels, const std::string& resource) {
  if (kube::text_at(labels, {resource + ".sharing-strategy"}) != "time-slicing") return 1;
  const kube::Json* replicas = kube::find(labels, {resource + ".replicas"});
  return replicas == nullptr ? 1 : std::max<std::int64_t>(1, amount(*replicas, kMostDevices));
}

}  // namespace

bool is_device(std::string_view resource) {
  return resource.ends_with("/gpu") || resource.ends_with("/accelerator");
}

std::vector<NodeDevices> devices_of_node(const kube::Json& node) {
  std::map<std::string, NodeDevices> found;
  for (const auto& [name, value] : kube::map_at(node, {"status", "allocatable"}).items()) {
    if (is_device(name)) found[name].count = amount(value, kMostDevices);
  }
  const kube::Json& labels = kube::map_at(node, {"metadata", "labels"});
  for (const auto& [name, value] : labels.items()) {
    if (!name.ends_with(kMemory)) continue;
    const std::string resource = name.substr(0, name.size() - kMemory.size());
    if (is_device(resource)) found[resource].bytes = amount(value, kMostBytes >> 20) << 20;
  }
  std::vector<NodeDevices> out;
  for (auto& [resource, devices] : found) {
    if (devices.count == 0 && devices.bytes == 0) continue;
    devices.resource = resource;
    devices.sharers = sharers_of(labels, resource);
    out.push_back(std::move(devices));
  }
  return out;
}

}  // namespace nacelle::control::llmd
