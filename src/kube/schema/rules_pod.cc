// rules_pod.cc: containers, volumes, environment, probes.
#include <set>

#include <fmt/format.h>

#include "kube/schema/names.h"
#include "kube/schema/rules.h"

namespace nacelle::kube::schema {
namespace {

std::string text(const Json& object, Path path) { return std::string(text_at(object, path)); }

void check_port_number(const Json& holder, const char* name, const std::string& path,
                       Findings& out) {
  const Json* value = kube::find(holder, {name});
  if (value == nullptr || !value->is_number_integer()) return;
  const auto number = number_at(holder, {name}).value_or(0);
  if (number < 1 || number > 65535) {
    out.push_back(invalid(path + "." + name, *value, "must be between 1 and 65535, inclusive"));
  }
}

void check_mounts(const Json& container, const std::set<std::string>& volumes,
                  const std::string& path, Findings& out) {
  const Json& mounts = list_at(container, {"volumeMounts"});
  std::set<std::string> paths;
  for (std::size_t i = 0; i < mounts.size(); ++i) {
    const std::string here = fmt::format("{}.volumeMounts[{}]", path, i);
    const std::string name = text(mounts[i], {"name"});
    if (!volumes.contains(name)) {
      out.push_back({"FieldValueNotFound", here + ".name", fmt::format("Not found: \"{}\"", name)});
    }
    const std::string at = text(mounts[i], {"mountPath"});
    if (at.empty()) out.push_back(required(here + ".mountPath"));
    if (!paths.insert(at).second) {
      out.push_back(invalid(here + ".mountPath", at, "must be unique"));
    }
  }
}

void check_container(const Json& container, const std::set<std::string>& volumes,
                     std::set<std::string>& names, const std::string& path, Findings& out) {
  const std::string name = text(container, {"name"});
  if (name.empty()) {
    out.push_back(required(path + ".name"));
  } else if (!is_dns_label(name)) {
    out.push_back(invalid(path + ".name", name,
                          "must be a DNS label: lower case letters, digits "
                          "and '-', at most 63"));
  } else if (!names.insert(name).second) {
    out.push_back(duplicate(path + ".name", name));
  }
  if (text_at(container, {"image"}).empty()) out.push_back(required(path + ".image"));
  const std::string pull = text(container, {"imagePullPolicy"});
  if (!pull.empty() && pull != "Always" && pull != "IfNotPresent" && pull != "Never") {
    out.push_back(
        unsupported(path + ".imagePullPolicy", pull, {"Always", "IfNotPresent", "Never"}));
  }
  const Json& ports = list_at(container, {"ports"});
  for (std::size_t i = 0; i < ports.size(); ++i) {
    const std::string here = fmt::format("{}.ports[{}]", path, i);
    if (kube::find(ports[i], {"containerPort"}) == nullptr) {
      out.push_back(required(here + ".containerPort"));
    }
    check_port_number(ports[i], "containerPort", here, out);
    const std::string protocol = text(ports[i], {"protocol"});
    if (protocol != "TCP" && protocol != "UDP" && protocol != "SCTP") {
      out.push_back(unsupported(here + ".protocol", protocol, {"SCTP", "TCP", "UDP"}));
    }
  }
  const Json& env = list_at(container, {"env"});
  for (std::size_t i = 0; i < env.size(); ++i) {
    const std::string here = fmt::format("{}.env[{}]", path, i);
    if (text_at(env[i], {"name"}).empty()) out.push_back(required(here + ".name"));
    if (!text_at(env[i], {"value"}).empty() && kube::find(env[i], {"valueFrom"}) != nullptr) {
      out.push_back(
          invalid(here + ".valueFrom", "", "may not be specified when `value` is not empty"));
    }
  }
  for (const char* probe : {"livenessProbe", "readinessProbe", "startupProbe"}) {
    const Json* found = kube::find(container, {probe});
    if (found == nullptr) continue;
    int handlers = 0;
    for (const char* kind : {"exec", "httpGet", "tcpSocket", "grpc"})
      handlers += found->contains(kind);
    if (handlers == 0) out.push_back(required(path + "." + probe, "must specify a handler type"));
    if (handlers > 1) {
      out.push_back(forbidden(path + "." + probe, "may not specify more than 1 handler type"));
    }
  }
  check_mounts(container, volumes, path, out);
}

std::set<std::string> check_volumes(const Json& spec, const std::string& path, Findings& out) {
  std::set<std::string> names;
  const Json& volumes = list_at(spec, {"volumes"});
  for (std::size_t i = 0; i < volumes.size(); ++i) {
    const std::string here = fmt::format("{}.volumes[{}]", path, i);
    const std::string name = text(volumes[i], {"name"});
    if (name.empty()) {
      out.push_back(required(here + ".name"));
    } else if (!is_dns_label(name)) {
      out.push_back(invalid(here + ".name", name, "must be a DNS label"));
    } else if (!names.insert(name).second) {
      out.push_back(duplicate(here + ".name", name));
    }
    if (volumes[i].size() > 2) {
      out.push_back(forbidden(here, "may not specify more than 1 volume type"));
    }
  }
  return names;
}

}  // namespace

void check_pod_spec(const Json& spec, const std::string& path, Findings& out,
                    const std::set<std::string>& more_volumes) {
  std::set<std::string> volumes = check_volumes(spec, path, out);
  volumes.insert(more_volumes.begin(), more_volumes.end());
  if (list_at(spec, {"containers"}).empty()) out.push_back(required(path + ".containers"));
  std::set<std::string> names;
  for (const char* list : {"initContainers", "containers"}) {
    const Json& containers = list_at(spec, {list});
    for (std::size_t i = 0; i < containers.size(); ++i) {
      check_container(containers[i], volumes, names, fmt::format("{}.{}[{}]", path, list, i), out);
    }
  }
  const std::string restart = text(spec, {"restartPolicy"});
  if (restart != "Always" && restart != "OnFailure" && restart != "Never") {
    out.push_back(unsupported(path + ".restartPolicy", restart, {"Always", "OnFailure", "Never"}));
  }
  const auto grace = number_at(spec, {"terminationGracePeriodSeconds"});
  if (grace.has_value() && *grace < 0) {
    out.push_back(invalid(path + ".terminationGracePeriodSeconds", *grace,
                          "must be greater than or equal to 0"));
  }
}

}  // namespace nacelle::kube::schema
