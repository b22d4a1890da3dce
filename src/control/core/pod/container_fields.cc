#include "control/core/pod/container_fields.h"

#include <algorithm>
#include <utility>

#include "control/core/pod/signal_names.h"

namespace nacelle::control::pod {
namespace {

Resources read_amounts(const Fields& owner, std::string_view name) {
  Resources out;
  const Json* amounts = owner.find(name);
  if (amounts == nullptr) return out;
  if (!amounts->is_object()) {
    owner.complain(name, "must be an object");
    return out;
  }
  for (const auto& [resource, amount] : amounts->items()) {
    const Result<Quantity> read = Quantity::from_json(amount);
    if (!read.ok() || *read < Quantity()) {
      owner.child(name).complain(resource, "must be a quantity of zero or more");
      continue;
    }
    out.emplace(resource, *read);
  }
  return out;
}

EnvVar read_env(const Fields& from) {
  EnvVar out;
  out.name = required_text(from, "name");
  if (out.name.find('=') != std::string::npos || out.name.find('\0') != std::string::npos) {
    from.complain("name", "must not contain '='");
  }
  if (!from.has("valueFrom")) {
    out.value = from.text("value");
    return out;
  }
  const Fields source = from.child("valueFrom");
  const auto key_of = [&](const Fields& ref, ConfigKind kind) {
    return ConfigKeyRef{kind, required_text(ref, "name"), required_text(ref, "key"),
                        ref.boolean("optional")};
  };
  if (source.has("fieldRef")) {
    out.value = FieldRef{required_text(source.child("fieldRef"), "fieldPath")};
  } else if (source.has("resourceFieldRef")) {
    out.value = read_resource_ref(source.child("resourceFieldRef"));
  } else if (source.has("configMapKeyRef")) {
    out.value = key_of(source.child("configMapKeyRef"), ConfigKind::kConfigMap);
  } else if (source.has("secretKeyRef")) {
    out.value = key_of(source.child("secretKeyRef"), ConfigKind::kSecret);
  } else {
    source.complain("fieldRef", "or another known source is required");
  }
  return out;
}

EnvFrom read_env_from(const Fields& from) {
  EnvFrom out;
  out.prefix = from.text("prefix");
  out.kind = from.has("secretRef") ? ConfigKind::kSecret : ConfigKind::kConfigMap;
  const Fields ref = from.child(out.kind == ConfigKind::kSecret ? "secretRef" : "configMapRef");
  out.name = required_text(ref, "name");
  out.optional = ref.boolean("optional");
  return out;
}

VolumeMount read_mount(const Fields& from) {
  VolumeMount out;
  out.volume = required_text(from, "name");
  out.path = required_text(from, "mountPath");
  // A server accepts relative mount paths; runtimes take them from the root.
  if (!out.path.starts_with('/')) out.path.insert(0, "/");
  while (out.path.size() > 1 && out.path.ends_with('/')) out.path.pop_back();
  if (out.path == "/" || (out.path + "/").find("/../") != std::string::npos ||
      out.path.find('\0') != std::string::npos) {
    from.complain("mountPath", "must be a path below / without '..'");
  }
  out.sub_path = from.text("subPath");
  if (std::string expression = from.text("subPathExpr"); !expression.empty()) {
    out.sub_path = std::move(expression);
    out.expand_sub_path = true;
  }
  if (out.sub_path.starts_with('/') ||
      ("/" + out.sub_path + "/").find("/../") != std::string::npos ||
      out.sub_path.find('\0') != std::string::npos) {
    from.complain(out.expand_sub_path ? "subPathExpr" : "subPath",
                  "must be a relative path without '..'");
  }
  out.read_only = from.boolean("readOnly");
  return out;
}

std::string default_pull_policy(std::string_view image) {
  // Always for the tag `latest` or none; a digest names one image.
  if (image.find('@') != std::string_view::npos) return "IfNotPresent";
  const std::size_t slash = image.rfind('/');
  const std::string_view last = slash == std::string_view::npos ? image : image.substr(slash + 1);
  const std::size_t colon = last.find(':');
  const bool latest = colon == std::string_view::npos || last.substr(colon + 1) == "latest";
  return latest ? "Always" : "IfNotPresent";
}

void read_lifecycle(const Fields& from, Container& out) {
  if (from.has("postStart")) out.post_start = read_handler(from.child("postStart"));
  if (from.has("preStop")) out.pre_stop = read_handler(from.child("preStop"));
  const std::string name = from.text("stopSignal");
  if (name.empty()) return;
  if (const std::optional<int> number = signal_number(name)) {
    out.stop_signal = *number;
  } else {
    from.complain("stopSignal", "must be the name of a signal");
  }
}

void read_restart(const Fields& from, Container& out) {
  const std::string policy = from.text("restartPolicy");
  if (policy.empty()) return;
  if (policy == "Always") {
    out.restart = RestartPolicy::kAlways;
  } else if (policy == "OnFailure") {
    out.restart = RestartPolicy::kOnFailure;
  } else if (policy == "Never") {
    out.restart = RestartPolicy::kNever;
  } else {
    from.complain("restartPolicy", "must be Always, OnFailure or Never");
  }
}

std::vector<std::string> without_nul(const Fields& from, std::string_view name) {
  std::vector<std::string> out = from.texts(name);
  for (const std::string& text : out) {
    if (text.find('\0') != std::string::npos) from.complain(name, "must not hold a zero byte");
  }
  return out;
}

}  // namespace

SecurityContext read_security(const Fields& from) {
  constexpr std::int64_t kMostId = (std::int64_t{1} << 31) - 1;
  SecurityContext out;
  if (from.has("runAsUser")) out.user = from.number("runAsUser", 0, 0, kMostId);
  if (from.has("runAsGroup")) out.group = from.number("runAsGroup", 0, 0, kMostId);
  return out;
}

Container read_container(const Fields& from) {
  Container out;
  out.name = required_text(from, "name");
  // The name becomes a folder's.
  if (out.name.find('/') != std::string::npos || out.name.find('\0') != std::string::npos ||
      out.name.starts_with('.')) {
    from.complain("name", "must be a DNS label");
  }
  out.image = from.text("image");
  out.image_pull_policy = from.text("imagePullPolicy", default_pull_policy(out.image));
  out.command = without_nul(from, "command");
  out.args = without_nul(from, "args");
  out.working_dir = from.text("workingDir");
  for (const Fields& item : from.items("envFrom")) out.env_from.push_back(read_env_from(item));
  for (const Fields& item : from.items("env")) out.env.push_back(read_env(item));
  for (const Fields& item : from.items("ports")) {
    out.ports.push_back({item.text("name"),
                         static_cast<std::uint16_t>(item.number("containerPort", 0, 1, 65535)),
                         item.text("protocol", "TCP")});
  }
  for (const Fields& item : from.items("volumeMounts")) out.mounts.push_back(read_mount(item));
  const Fields resources = from.child("resources");
  out.limits = read_amounts(resources, "limits");
  out.requests = read_amounts(resources, "requests");
  for (const auto& [resource, amount] : out.limits) out.requests.emplace(resource, amount);
  out.startup = read_probe(from, "startupProbe", ProbeKind::kStartup);
  out.liveness = read_probe(from, "livenessProbe", ProbeKind::kLiveness);
  out.readiness = read_probe(from, "readinessProbe", ProbeKind::kReadiness);
  read_lifecycle(from.child("lifecycle"), out);
  read_restart(from, out);
  out.termination_message_path = from.text("terminationMessagePath", "/dev/termination-log");
  out.log_as_message = from.text("terminationMessagePolicy") == "FallbackToLogsOnError";
  out.security = read_security(from.child("securityContext"));
  return out;
}

}  // namespace nacelle::control::pod
