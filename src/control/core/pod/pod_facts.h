// pod_facts.h: what a pod's values may refer to, beyond its own specification.
//
// Home:    pure; the owner of a ConfigSource answers on its own thread, without waiting.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "control/core/pod/fields.h"
#include "control/core/pod/pod_spec.h"

namespace nacelle::control::pod {

struct ServicePort {
  std::string name;
  std::string protocol = "TCP";
  std::uint16_t port = 0;
};
struct ServiceInfo {
  std::string name;
  std::string cluster_ip;  // "" and "None" have no variables
  std::vector<ServicePort> ports;
};

// Objects of the pod's namespace, decoded: values are bytes.
class ConfigSource {
 public:
  virtual ~ConfigSource() = default;
  // Null when there is no such object.
  [[nodiscard]] virtual std::shared_ptr<const StringMap> config(ConfigKind kind,
                                                                std::string_view name_space,
                                                                std::string_view name) const = 0;
  // The namespace's services and the `kubernetes` service of `default`.
  [[nodiscard]] virtual std::vector<ServiceInfo> services(std::string_view name_space) const = 0;
};

// Where the pod runs.
struct PodPlace {
  std::string pod_ip;
  std::string host_ip;
  std::string node_name;
  Resources allocatable;  // of the node: what an unset limit means
};

// A value for `fieldPath`: metadata.name, metadata.labels['k'], spec.nodeName, status.podIP, ...;
// the whole maps metadata.labels and metadata.annotations as lines k="escaped value".
[[nodiscard]] Result<std::string> field_value(const PodSpec& spec, const PodPlace& place,
                                              std::string_view path);

// limits. or requests. of a container, divided by the divisor and rounded up. `container` counts
// when the reference names none.
[[nodiscard]] Result<std::string> resource_value(const PodSpec& spec, const PodPlace& place,
                                                 const Container* container,
                                                 const ResourceRef& ref);

}  // namespace nacelle::control::pod
