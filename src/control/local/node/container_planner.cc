#include "control/local/node/container_planner.h"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>

#include "control/core/pod/environment.h"
#include "control/core/pod/expansion.h"
#include "control/core/pod/path_translation.h"
#include "control/core/pod/program.h"
#include "control/local/node/program_search.h"

namespace nacelle::control::node {
namespace {

namespace fs = std::filesystem;

constexpr const char* kSystemPath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

pod::StringMap base_environment(const PlanInputs& from, const pod::Container& container) {
  pod::StringMap out = {
      {"PATH", fmt::format("{}:{}", (from.config.folder / "bin").string(), kSystemPath)},
      {"HOME", (from.folder.container(container.name) / "work").string()},
      {"HOSTNAME", from.spec.hostname},
      {"NACELLE_POD_IP", from.place.pod_ip}};
  const auto add = [&](const std::vector<std::string>& variables) {
    for (const std::string& variable : variables) {
      const std::size_t equals = variable.find('=');
      if (equals != std::string::npos)
        out[variable.substr(0, equals)] = variable.substr(equals + 1);
    }
  };
  add(from.config.environment);
  add(from.devices);
  return out;
}

// One mount: its folder or file on the host. A sub-path that is missing is made, as kubelet does.
Result<BindMount> bind_of(const PlanInputs& from, const pod::VolumeMount& mount,
                          const pod::StringMap& variables) {
  const auto volume = from.volumes.find(mount.volume);
  if (volume == from.volumes.end()) return not_found("volume {} is not there", mount.volume);
  fs::path source = volume->second;
  if (!mount.sub_path.empty()) {
    std::string sub = mount.sub_path;
    if (mount.expand_sub_path) sub = pod::expand(sub, variables);
    if (sub.starts_with('/') || ("/" + sub + "/").find("/../") != std::string::npos) {
      return invalid_argument("subPath {} of volume {} leaves the volume", sub, mount.volume);
    }
    source /= sub;
    std::error_code error;
    if (!fs::exists(source, error)) fs::create_directories(source, error);
    if (error) return unavailable("{}: {}", source.string(), error.message());
  }
  return BindMount{source.string(), mount.path, mount.read_only};
}

std::optional<ProcessIdentity> identity_of(const PlanInputs& from, const pod::Container& container,
                                           std::vector<std::string>& notes) {
  const auto user = container.security.user ? container.security.user : from.spec.security.user;
  const auto group = container.security.group ? container.security.group : from.spec.security.group;
  if (!user && !group) return std::nullopt;
  if (::geteuid() != 0) {
    if (user && *user != static_cast<std::int64_t>(::geteuid())) {
      notes.push_back(fmt::format("runs as user {} and not {}: the node agent is not root",
                                  ::geteuid(), *user));
    }
    return std::nullopt;
  }
  ProcessIdentity out;
  out.user = static_cast<uid_t>(user.value_or(0));
  out.group = static_cast<gid_t>(group.value_or(0));
  if (from.spec.fs_group) out.groups.push_back(static_cast<gid_t>(*from.spec.fs_group));
  return out;
}

// Names of Services, unless the pod brings a file of its own.
void add_names(const PlanInputs& from, ContainerPlan& plan) {
  constexpr const char* kHosts = "/etc/hosts";
  if (from.mount_mode == MountMode::kTranslate) return;
  const bool taken = std::any_of(plan.mounts.begin(), plan.mounts.end(),
                                 [&](const BindMount& mount) { return mount.target == kHosts; });
  const fs::path file = from.inputs.hosts_file(from.spec.name_space);
  if (!taken && !file.empty()) plan.mounts.push_back({file.string(), kHosts, true});
}

// What the container needs of the node stays at its path although a volume covers a folder above
// it, as one at /tmp or /home does when the node's own folder lies there.
void keep_in_sight(const PlanInputs& from, const std::string& container, ContainerPlan& plan) {
  if (from.mount_mode == MountMode::kTranslate) return;
  const fs::path needed[] = {from.folder.container(container) / "work", from.config.folder / "bin",
                             fs::path(from.config.engine)};
  for (const fs::path& path : needed) {
    const std::string text = path.string();
    const bool covered =
        !text.empty() &&
        std::any_of(plan.mounts.begin(), plan.mounts.end(), [&](const BindMount& mount) {
          return mount.target != text && text.starts_with(mount.target + "/");
        });
    if (covered) plan.mounts.push_back({text, text, false});
  }
}

// In a file system of its own a program may come with a volume; else it has to be on the host.
bool program_exists(const PlanInputs& from, const ContainerPlan& plan) {
  const std::string program = find_program(plan.argv[0], plan.environment);
  if (program.find('/') == std::string::npos) return false;
  if (::access(program.c_str(), X_OK) == 0) return true;
  if (from.mount_mode == MountMode::kTranslate) return false;
  return std::any_of(plan.mounts.begin(), plan.mounts.end(), [&](const BindMount& mount) {
    return program == mount.target || program.starts_with(mount.target + "/");
  });
}

void translate(ContainerPlan& plan, std::vector<std::string>& notes) {
  std::vector<pod::PathMapping> mappings;
  for (const BindMount& mount : plan.mounts) mappings.push_back({mount.target, mount.source});
  const pod::PathTranslation translation(std::move(mappings));
  for (std::string& text : plan.argv) text = translation.apply(text);
  for (std::string& text : plan.environment) text = translation.apply(text);
  plan.working_dir = translation.apply(plan.working_dir);
  if (plan.mounts.size() > 1) {  // the termination log is always there
    notes.push_back(
        "this node may not mount volumes: mount paths in the command, its arguments and "
        "the environment are replaced by the folders behind them");
  }
}

}  // namespace

std::variant<PlannedContainer, StartFailure> plan_container(const PlanInputs& from,
                                                            std::size_t index) {
  const pod::Container& container = from.spec.containers[index];
  Result<pod::Environment> environment =
      container_environment(from.spec, container, from.place, from.inputs);
  if (!environment.ok()) {
    return StartFailure{"CreateContainerConfigError", environment.error().message()};
  }
  PlannedContainer out;
  ContainerPlan& plan = out.plan;
  for (const std::string& key : environment->skipped) {
    out.notes.push_back(fmt::format("key {} is no name of a variable and was left out", key));
  }
  pod::StringMap variables = base_environment(from, container);
  for (auto& [name, value] : environment->variables) variables[name] = value;

  Result<std::vector<std::string>> argv =
      program_of(container, environment->variables, {from.config.engine, from.place.pod_ip});
  if (!argv.ok()) {
    return StartFailure{
        container.image_pull_policy == "Never" ? "ErrImageNeverPull" : "ErrImagePull",
        argv.error().message()};
  }
  plan.argv = std::move(*argv);
  for (const auto& [name, value] : variables) plan.environment.push_back(name + "=" + value);
  for (const pod::VolumeMount& mount : container.mounts) {
    Result<BindMount> bind = bind_of(from, mount, environment->variables);
    if (!bind.ok()) return StartFailure{"CreateContainerConfigError", bind.error().message()};
    plan.mounts.push_back(std::move(*bind));
  }
  plan.mounts.push_back({from.folder.termination(container.name, from.state.attempt).string(),
                         container.termination_message_path, false});
  add_names(from, plan);
  keep_in_sight(from, container.name, plan);
  plan.working_dir = container.working_dir.empty()
                         ? (from.folder.container(container.name) / "work").string()
                         : container.working_dir;
  plan.log_file = from.folder.log(container.name, from.state.restarts).string();
  plan.log_bytes = from.config.log_bytes;
  plan.log_files = from.config.log_files;
  plan.range_holder = from.config.range_holder;
  plan.mount_mode = from.mount_mode;
  plan.root = (from.folder.run(container.name, from.state.attempt) / "root").string();
  plan.identity = identity_of(from, container, out.notes);
  if (from.mount_mode == MountMode::kTranslate) translate(plan, out.notes);
  if (!program_exists(from, plan)) {
    return StartFailure{
        container.image_pull_policy == "Never" ? "ErrImageNeverPull" : "ErrImagePull",
        fmt::format("image \"{}\" is not pulled, programs come from this host, and the host has no "
                    "\"{}\"",
                    container.image, plan.argv[0])};
  }
  return out;
}

}  // namespace nacelle::control::node
