#include "control/core/pod/pod_facts.h"

#include <algorithm>

namespace nacelle::control::pod {
namespace {

// As Go's %q writes printable text: enough for labels and annotations, whose values are UTF-8.
std::string go_quoted(std::string_view text) {
  std::string out = "\"";
  for (const char c : text) {
    switch (c) {
      case '"':
        out += "\\\"";
        break;
      case '\\':
        out += "\\\\";
        break;
      case '\n':
        out += "\\n";
        break;
      case '\r':
        out += "\\r";
        break;
      case '\t':
        out += "\\t";
        break;
      default:
        if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) {
          out += fmt::format("\\x{:02x}", static_cast<unsigned char>(c));
        } else {
          out += c;
        }
    }
  }
  return out + '"';
}

std::string lines(const StringMap& map) {
  std::string out;
  for (const auto& [key, value] : map) {
    if (!out.empty()) out += '\n';
    out += fmt::format("{}={}", key, go_quoted(value));
  }
  return out;
}

// metadata.labels['key']: the value of a key, "" when it is missing.
std::optional<std::string> subscript(std::string_view path, std::string_view field,
                                     const StringMap& map) {
  if (!path.starts_with(field)) return std::nullopt;
  path.remove_prefix(field.size());
  if (!path.starts_with("['") || !path.ends_with("']") || path.size() < 5) return std::nullopt;
  const auto found = map.find(std::string(path.substr(2, path.size() - 4)));
  return found == map.end() ? std::string() : found->second;
}

}  // namespace

Result<std::string> field_value(const PodSpec& spec, const PodPlace& place, std::string_view path) {
  if (path == "metadata.name") return spec.name;
  if (path == "metadata.namespace") return spec.name_space;
  if (path == "metadata.uid") return spec.uid;
  if (path == "metadata.labels") return lines(spec.labels);
  if (path == "metadata.annotations") return lines(spec.annotations);
  if (path == "spec.nodeName") return place.node_name;
  if (path == "spec.serviceAccountName") {
    return spec.service_account.empty() ? std::string("default") : spec.service_account;
  }
  if (path == "status.hostIP" || path == "status.hostIPs") return place.host_ip;
  if (path == "status.podIP" || path == "status.podIPs") return place.pod_ip;
  if (auto value = subscript(path, "metadata.labels", spec.labels)) return *value;
  if (auto value = subscript(path, "metadata.annotations", spec.annotations)) return *value;
  return invalid_argument("field '{}' is not one that a pod can refer to", path.substr(0, 100));
}

Result<std::string> resource_value(const PodSpec& spec, const PodPlace& place,
                                   const Container* container, const ResourceRef& ref) {
  if (!ref.container.empty()) {
    const std::optional<std::size_t> index = spec.index_of(ref.container);
    if (!index) {
      return invalid_argument("resource '{}' is asked of container '{}', which the pod has not",
                              ref.resource, ref.container);
    }
    container = &spec.containers[*index];
  }
  if (container == nullptr) {
    return invalid_argument("resource '{}' names no container", ref.resource);
  }
  const std::string_view name = ref.resource;
  const bool limit = name.starts_with("limits.");
  if (!limit && !name.starts_with("requests.")) {
    return invalid_argument("resource '{}' must begin with limits. or requests.",
                            name.substr(0, 100));
  }
  const std::string resource(name.substr(limit ? 7 : 9));
  const Resources& amounts = limit ? container->limits : container->requests;
  Quantity amount;
  if (const auto found = amounts.find(resource); found != amounts.end()) {
    amount = found->second;
  } else if (const auto whole = place.allocatable.find(resource);
             limit && whole != place.allocatable.end()) {
    amount = whole->second;
  }
  return std::to_string(amount.divided_by(ref.divisor));
}

}  // namespace nacelle::control::pod
