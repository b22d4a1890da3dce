// pod_spec.h: a Pod as the node agent needs it, read from the API's object.
//
// Defaults that a server fills in are filled in here as well, so that a pod from any writer means
// the same. Fields that have no meaning for processes on one machine are not read.
//
// Home:    pure; parse_pod() on any thread.
// Errors:  invalid_argument with the path of the first field that is wrong.
// Bounds:  kMaxContainers, kMaxVolumes; the object's size is bounded by its API.
// Source:  kubernetes-api.md sections 19 and 22.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/clock.h"
#include "base/quantity.h"
#include "base/result.h"
#include "control/core/pod/fields.h"
#include "control/core/pod/handler.h"
#include "control/core/pod/volume_spec.h"

namespace nacelle::control::pod {

inline constexpr std::size_t kMaxContainers = 128;
inline constexpr std::size_t kMaxVolumes = 256;

enum class RestartPolicy : std::uint8_t { kAlways, kOnFailure, kNever };

// A key of a config map or secret as an environment variable.
struct ConfigKeyRef {
  ConfigKind kind = ConfigKind::kConfigMap;
  std::string name;
  std::string key;
  bool optional = false;
};
struct EnvVar {
  std::string name;
  std::variant<std::string, FieldRef, ResourceRef, ConfigKeyRef> value;
};
struct EnvFrom {
  ConfigKind kind = ConfigKind::kConfigMap;
  std::string name;
  std::string prefix;
  bool optional = false;
};

struct ContainerPort {
  std::string name;
  std::uint16_t port = 0;
  std::string protocol = "TCP";
};

using Resources = std::map<std::string, Quantity>;  // "cpu", "memory", "nvidia.com/gpu"

struct SecurityContext {
  std::optional<std::int64_t> user;
  std::optional<std::int64_t> group;
};

struct Container {
  std::string name;
  std::string image;
  std::string image_pull_policy;
  std::vector<std::string> command;
  std::vector<std::string> args;
  std::string working_dir;
  std::vector<EnvFrom> env_from;
  std::vector<EnvVar> env;
  std::vector<ContainerPort> ports;
  std::vector<VolumeMount> mounts;
  Resources limits;
  Resources requests;
  std::optional<Probe> startup;
  std::optional<Probe> liveness;
  std::optional<Probe> readiness;
  std::optional<Handler> post_start;
  std::optional<Handler> pre_stop;
  int stop_signal = 15;
  std::string termination_message_path = "/dev/termination-log";
  bool log_as_message = false;  // terminationMessagePolicy FallbackToLogsOnError
  SecurityContext security;
  std::optional<RestartPolicy> restart;  // its own; Always makes an init container a sidecar

  [[nodiscard]] const std::optional<Probe>& probe(ProbeKind kind) const {
    return kind == ProbeKind::kStartup    ? startup
           : kind == ProbeKind::kLiveness ? liveness
                                          : readiness;
  }
};

struct PodSpec {
  std::string name_space;
  std::string name;
  std::string uid;
  StringMap labels;
  StringMap annotations;
  bool deleting = false;  // deletionTimestamp is set
  std::optional<Duration> deletion_grace;

  std::string node;
  std::string service_account;
  std::string hostname;
  RestartPolicy restart = RestartPolicy::kAlways;
  Duration grace = 30s;
  std::optional<Duration> active_deadline;
  bool service_links = true;
  bool host_network = false;
  SecurityContext security;
  std::optional<std::int64_t> fs_group;
  std::vector<std::string> readiness_gates;
  std::vector<Volume> volumes;
  // Init containers first, in their order; then the others. An index into this list names a
  // container everywhere.
  std::vector<Container> containers;
  std::size_t num_init = 0;

  [[nodiscard]] bool is_init(std::size_t index) const { return index < num_init; }
  [[nodiscard]] bool is_sidecar(std::size_t index) const {
    return is_init(index) && containers[index].restart == RestartPolicy::kAlways;
  }
  [[nodiscard]] RestartPolicy restart_of(std::size_t index) const {
    const Container& container = containers[index];
    if (is_init(index) && !is_sidecar(index)) {
      // An init container that succeeded is done; one that failed is tried again unless Never.
      return restart == RestartPolicy::kNever ? RestartPolicy::kNever : RestartPolicy::kOnFailure;
    }
    return container.restart.value_or(restart);
  }
  [[nodiscard]] std::optional<std::size_t> index_of(std::string_view container) const;
  // "name_namespace(uid)", as kubelet's messages name a pod.
  [[nodiscard]] std::string full_name() const;
};

[[nodiscard]] Result<PodSpec> parse_pod(const Json& object);

// The number of a port that is named or given; invalid_argument when the container has no such
// name.
[[nodiscard]] Result<std::uint16_t> port_number(const Container& container, const PortRef& port);

// What scheduling counts: the larger of the sum over regular containers and sidecars, and any one
// init container with the sidecars before it.
[[nodiscard]] Resources pod_requests(const PodSpec& spec);

// "Guaranteed", "Burstable" or "BestEffort".
[[nodiscard]] std::string_view qos_class(const PodSpec& spec);

}  // namespace nacelle::control::pod
