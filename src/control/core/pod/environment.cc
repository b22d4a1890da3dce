#include "control/core/pod/environment.h"

#include <algorithm>
#include <cctype>
#include <utility>

#include "control/core/pod/expansion.h"

namespace nacelle::control::pod {
namespace {

// Kubernetes 1.30 and later: any printable ASCII but '='.
bool is_variable_name(std::string_view name) {
  return !name.empty() && std::all_of(name.begin(), name.end(),
                                      [](char c) { return c > 0x20 && c < 0x7f && c != '='; });
}

std::string upper(std::string_view name) {
  std::string out;
  for (const char c : name) {
    out += c == '-' ? '_' : static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
  }
  return out;
}

std::string without_nul(std::string value) {
  // A secret may be binary; the environment of a process ends at a zero byte.
  if (const std::size_t nul = value.find('\0'); nul != std::string::npos) value.resize(nul);
  return value;
}

Status add_from(const PodSpec& spec, const EnvFrom& from, const ConfigSource& source,
                Environment& out) {
  const auto data = source.config(from.kind, spec.name_space, from.name);
  if (data == nullptr) {
    if (from.optional) return {};
    return failed_precondition("{} \"{}\" not found", to_string(from.kind), from.name);
  }
  for (const auto& [key, value] : *data) {
    const std::string name = from.prefix + key;
    if (!is_variable_name(name)) {
      out.skipped.push_back(key);
      continue;
    }
    out.variables[name] = without_nul(value);
  }
  return {};
}

// nullopt: the variable is optional and has no value, so it is not set.
Result<std::optional<std::string>> config_value(const PodSpec& spec, const ConfigKeyRef& ref,
                                                const ConfigSource& source) {
  const auto data = source.config(ref.kind, spec.name_space, ref.name);
  if (data == nullptr) {
    if (ref.optional) return std::optional<std::string>();
    return failed_precondition("{} \"{}\" not found", to_string(ref.kind), ref.name);
  }
  const auto found = data->find(ref.key);
  if (found == data->end()) {
    if (ref.optional) return std::optional<std::string>();
    return failed_precondition("couldn't find key {} in {} {}/{}", ref.key, to_string(ref.kind),
                               spec.name_space, ref.name);
  }
  return std::optional<std::string>(without_nul(found->second));
}

Result<std::optional<std::string>> value_of(const PodSpec& spec, const Container& container,
                                            const PodPlace& place, const ConfigSource& source,
                                            const EnvVar& variable, const StringMap& before) {
  if (const auto* text = std::get_if<std::string>(&variable.value)) {
    return std::optional<std::string>(expand(*text, before));
  }
  if (const auto* key = std::get_if<ConfigKeyRef>(&variable.value)) {
    return config_value(spec, *key, source);
  }
  Result<std::string> value =
      std::holds_alternative<FieldRef>(variable.value)
          ? field_value(spec, place, std::get<FieldRef>(variable.value).path)
          : resource_value(spec, place, &container, std::get<ResourceRef>(variable.value));
  if (!value.ok()) return value.error();
  return std::optional<std::string>(std::move(*value));
}

}  // namespace

void add_service_variables(const std::vector<ServiceInfo>& services, StringMap& to) {
  for (const ServiceInfo& service : services) {
    if (service.cluster_ip.empty() || service.cluster_ip == "None" || service.ports.empty()) {
      continue;
    }
    const std::string name = upper(service.name);
    to[name + "_SERVICE_HOST"] = service.cluster_ip;
    to[name + "_SERVICE_PORT"] = std::to_string(service.ports.front().port);
    for (const ServicePort& port : service.ports) {
      if (!port.name.empty()) {
        to[fmt::format("{}_SERVICE_PORT_{}", name, upper(port.name))] = std::to_string(port.port);
      }
      std::string lower = port.protocol;
      for (char& c : lower) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
      const std::string url = fmt::format("{}://{}:{}", lower, service.cluster_ip, port.port);
      const std::string prefix =
          fmt::format("{}_PORT_{}_{}", name, port.port, upper(port.protocol));
      if (&port == &service.ports.front()) to[name + "_PORT"] = url;
      to[prefix] = url;
      to[prefix + "_PROTO"] = lower;
      to[prefix + "_PORT"] = std::to_string(port.port);
      to[prefix + "_ADDR"] = service.cluster_ip;
    }
  }
}

Result<Environment> container_environment(const PodSpec& spec, const Container& container,
                                          const PodPlace& place, const ConfigSource& source) {
  Environment out;
  std::vector<ServiceInfo> services = source.services(spec.name_space);
  if (!spec.service_links) {
    std::erase_if(services,
                  [](const ServiceInfo& service) { return service.name != "kubernetes"; });
  }
  // Of services they see all; of the pod's own variables those before.
  add_service_variables(services, out.variables);
  for (const EnvFrom& from : container.env_from) {
    RETURN_IF_ERROR(add_from(spec, from, source, out));
  }
  for (const EnvVar& variable : container.env) {
    Result<std::optional<std::string>> value =
        value_of(spec, container, place, source, variable, out.variables);
    if (!value.ok()) {
      return value.error().with_context(fmt::format("environment variable {}", variable.name));
    }
    if (value->has_value()) out.variables[variable.name] = std::move(**value);
  }
  return out;
}

}  // namespace nacelle::control::pod
