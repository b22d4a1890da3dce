#include "apps/nacelle/device_option.h"

#include <algorithm>
#include <charconv>

#include "base/quantity.h"

namespace nacelle::apps {
namespace {

constexpr std::int64_t kMostDevices = 1024;
constexpr std::size_t kMostName = 63;

bool is_device_name(std::string_view name) {
  const std::size_t slash = name.find('/');
  const std::string_view kind = slash == name.npos ? "" : name.substr(slash + 1);
  const auto plain = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '.' || c == '/';
  };
  return slash > 0 && name.size() <= kMostName && (kind == "gpu" || kind == "accelerator") &&
         std::all_of(name.begin(), name.end(), plain);
}

}  // namespace

Result<DeviceOption> parse_device(const std::string& text) {
  const auto wrong = [&text] {
    return invalid_argument(
        "devices \"{}\" must be RESOURCE=COUNT or RESOURCE=COUNT:MEMORY, as nvidia.com/gpu=1:80Gi "
        "or nacelle.dev/accelerator=2, with at most {} of a node",
        text, kMostDevices);
  };
  const std::size_t equals = text.find('=');
  if (equals == text.npos || !is_device_name(std::string_view(text).substr(0, equals))) {
    return wrong();
  }
  DeviceOption out{.resource = text.substr(0, equals)};
  const std::size_t colon = std::min(text.find(':', equals), text.size());
  const char* end = text.data() + colon;
  const auto [at, error] = std::from_chars(text.data() + equals + 1, end, out.count);
  if (error != std::errc() || at != end || out.count < 1 || out.count > kMostDevices) {
    return wrong();
  }
  if (colon == text.size()) return out;
  const auto memory = Quantity::parse(std::string_view(text).substr(colon + 1));
  if (!memory.ok()) return wrong();
  out.memory_mib = memory->value() >> 20;
  if (out.memory_mib < 1) return wrong();
  return out;
}

Result<std::vector<DeviceOption>> parse_devices(const std::vector<std::string>& texts) {
  std::vector<DeviceOption> out;
  for (const std::string& text : texts) {
    ASSIGN_OR_RETURN(DeviceOption one, parse_device(text));
    const bool twice = std::any_of(out.begin(), out.end(), [&](const DeviceOption& other) {
      return other.resource == one.resource;
    });
    if (twice) return invalid_argument("devices \"{}\": {} is given twice", text, one.resource);
    out.push_back(std::move(one));
  }
  return out;
}

void give_devices(const std::vector<DeviceOption>& devices, control::node::NodeConfig& node) {
  for (const DeviceOption& one : devices) {
    node.capacity[one.resource] = Quantity(one.count);
    if (one.memory_mib > 0) {
      node.labels[one.resource + ".memory"] = std::to_string(one.memory_mib);
    }
  }
}

}  // namespace nacelle::apps
