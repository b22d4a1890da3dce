#include "control/core/pod/pod_spec.h"

#include <algorithm>
#include <set>
#include <utility>

#include "control/core/pod/container_fields.h"

namespace nacelle::control::pod {
namespace {

constexpr std::int64_t kMostSeconds = 10LL * 365 * 24 * 3600;

// A uid and names become parts of paths.
void require_path_part(const Fields& from, std::string_view name, const std::string& value) {
  if (value.find('/') != std::string::npos || value.find('\0') != std::string::npos ||
      value.starts_with('.') || value.size() > 253) {
    from.complain(name, "must be a Kubernetes name");
  }
}

void read_metadata(const Fields& from, PodSpec& out) {
  out.name_space = from.text("namespace", "default");
  out.name = required_text(from, "name");
  out.uid = required_text(from, "uid");
  require_path_part(from, "name", out.name);
  require_path_part(from, "uid", out.uid);
  require_path_part(from, "namespace", out.name_space);
  out.labels = from.text_map("labels");
  out.annotations = from.text_map("annotations");
  out.deleting = from.has("deletionTimestamp");
  if (from.has("deletionGracePeriodSeconds")) {
    out.deletion_grace =
        std::chrono::seconds(from.number("deletionGracePeriodSeconds", 0, 0, kMostSeconds));
  }
}

void read_containers(const Fields& spec, PodSpec& out) {
  for (const Fields& item : spec.items("initContainers")) {
    out.containers.push_back(read_container(item));
    if (out.containers.size() > kMaxContainers) break;
  }
  out.num_init = out.containers.size();
  const std::vector<Fields> regular = spec.items("containers");
  if (regular.empty()) spec.complain("containers", "must name at least one container");
  for (const Fields& item : regular) {
    out.containers.push_back(read_container(item));
    if (out.containers.size() > kMaxContainers) {
      spec.complain("containers", fmt::format("are more than {}", kMaxContainers));
      break;
    }
  }
  std::set<std::string_view> names;
  for (const Container& container : out.containers) {
    if (!names.insert(container.name).second) {
      spec.complain("containers", fmt::format("name '{}' twice", container.name));
    }
  }
}

void read_volumes(const Fields& spec, PodSpec& out) {
  for (const Fields& item : spec.items("volumes")) {
    if (out.volumes.size() == kMaxVolumes) {
      spec.complain("volumes", fmt::format("are more than {}", kMaxVolumes));
      break;
    }
    out.volumes.push_back(read_volume(item));
    require_path_part(item, "name", out.volumes.back().name);
  }
  for (std::size_t i = 0; i < out.containers.size(); ++i) {
    for (const VolumeMount& mount : out.containers[i].mounts) {
      const bool known = std::any_of(out.volumes.begin(), out.volumes.end(),
                                     [&](const Volume& v) { return v.name == mount.volume; });
      if (!known) {
        spec.complain("volumes", fmt::format("have none named '{}', which container '{}' mounts",
                                             mount.volume, out.containers[i].name));
      }
    }
  }
}

void add(Resources& to, const Resources& more) {
  for (const auto& [name, amount] : more) {
    const auto [place, fresh] = to.emplace(name, amount);  // the first one's way of writing stays
    if (!fresh) place->second += amount;
  }
}

void larger(Resources& of, const std::string& name, const Quantity& amount) {
  const auto [place, fresh] = of.emplace(name, amount);
  if (!fresh && place->second < amount) place->second = amount;
}

}  // namespace

std::optional<std::size_t> PodSpec::index_of(std::string_view container) const {
  for (std::size_t i = 0; i < containers.size(); ++i) {
    if (containers[i].name == container) return i;
  }
  return std::nullopt;
}

std::string PodSpec::full_name() const { return fmt::format("{}_{}({})", name, name_space, uid); }

Result<PodSpec> parse_pod(const Json& object) {
  Status error;
  PodSpec out;
  const Fields pod(object, "", error);
  read_metadata(pod.child("metadata"), out);
  const Fields spec = pod.child("spec");
  out.node = spec.text("nodeName");
  out.service_account = spec.text("serviceAccountName");
  out.hostname = spec.text("hostname", out.name);
  const std::string restart = spec.text("restartPolicy", "Always");
  if (restart == "OnFailure") {
    out.restart = RestartPolicy::kOnFailure;
  } else if (restart == "Never") {
    out.restart = RestartPolicy::kNever;
  } else if (restart != "Always") {
    spec.complain("restartPolicy", "must be Always, OnFailure or Never");
  }
  out.grace =
      std::chrono::seconds(spec.number("terminationGracePeriodSeconds", 30, 0, kMostSeconds));
  if (spec.has("activeDeadlineSeconds")) {
    out.active_deadline =
        std::chrono::seconds(spec.number("activeDeadlineSeconds", 1, 1, kMostSeconds));
  }
  out.service_links = spec.boolean("enableServiceLinks", true);
  out.host_network = spec.boolean("hostNetwork", false);
  const Fields security = spec.child("securityContext");
  out.security = read_security(security);
  if (security.has("fsGroup")) out.fs_group = security.number("fsGroup", 0, 0, INT32_MAX);
  for (const Fields& gate : spec.items("readinessGates")) {
    out.readiness_gates.push_back(required_text(gate, "conditionType"));
  }
  read_containers(spec, out);
  read_volumes(spec, out);
  if (!error.ok()) return error;
  return out;
}

Result<std::uint16_t> port_number(const Container& container, const PortRef& port) {
  if (const auto* number = std::get_if<std::uint16_t>(&port)) return *number;
  const std::string& name = std::get<std::string>(port);
  for (const ContainerPort& candidate : container.ports) {
    if (candidate.name == name) return candidate.port;
  }
  return invalid_argument("container '{}' has no port named '{}'", container.name, name);
}

Resources pod_requests(const PodSpec& spec) {
  Resources sidecars;  // those met so far
  Resources peak;      // of one init container with the sidecars before it
  for (std::size_t i = 0; i < spec.num_init; ++i) {
    if (spec.is_sidecar(i)) {
      add(sidecars, spec.containers[i].requests);
      continue;
    }
    Resources together = sidecars;
    add(together, spec.containers[i].requests);
    for (const auto& [name, amount] : together) larger(peak, name, amount);
  }
  Resources out = sidecars;
  for (std::size_t i = spec.num_init; i < spec.containers.size(); ++i) {
    add(out, spec.containers[i].requests);
  }
  for (const auto& [name, amount] : peak) larger(out, name, amount);
  return out;
}

std::string_view qos_class(const PodSpec& spec) {
  bool any = false;
  bool guaranteed = true;
  for (const Container& container : spec.containers) {
    for (const char* resource : {"cpu", "memory"}) {
      const auto limit = container.limits.find(resource);
      const auto request = container.requests.find(resource);
      const bool has_limit = limit != container.limits.end() && limit->second > Quantity();
      const bool has_request = request != container.requests.end() && request->second > Quantity();
      any = any || has_limit || has_request;
      guaranteed = guaranteed && has_limit && has_request && limit->second == request->second;
    }
  }
  return !any ? "BestEffort" : guaranteed ? "Guaranteed" : "Burstable";
}

}  // namespace nacelle::control::pod
