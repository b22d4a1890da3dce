#include "control/local/node/container_plan.h"

#include <nlohmann/json.hpp>

#include "base/file.h"

namespace nacelle::control::node {
namespace {

using Json = nlohmann::json;

Status write_json(const std::filesystem::path& file, const Json& json) {
  return write_file_atomically(file, json.dump(-1, ' ', false, Json::error_handler_t::replace));
}

// Runs `fill` over the file's JSON; what does not have our shape is data_loss.
template <class T, class Fill>
Result<T> read_json(const std::filesystem::path& file, Fill fill) {
  ASSIGN_OR_RETURN(const std::string text, read_file(file, 16 << 20));
  T out;
  try {
    const Json json = Json::parse(text);
    fill(json, out);
  } catch (const Json::exception& error) {
    return data_loss("{}: {}", file.string(), error.what());
  }
  return out;
}

}  // namespace

std::string_view to_string(MountMode mode) {
  switch (mode) {
    case MountMode::kTranslate:
      return "translate";
    case MountMode::kPrivate:
      return "private";
    case MountMode::kUser:
      return "user";
  }
  return "";
}

MountMode mount_mode_of(std::string_view text) {
  if (text == "private") return MountMode::kPrivate;
  if (text == "user") return MountMode::kUser;
  return MountMode::kTranslate;
}

Status ContainerPlan::write(const std::filesystem::path& file) const {
  Json json = {{"argv", argv},
               {"environment", environment},
               {"workingDir", working_dir},
               {"logFile", log_file},
               {"logBytes", log_bytes},
               {"logFiles", log_files},
               {"cgroup", cgroup},
               {"root", root},
               {"rangeHolder", range_holder},
               {"mounts", Json::array()},
               {"mountMode", std::string(to_string(mount_mode))}};
  for (const BindMount& mount : mounts) {
    json["mounts"].push_back(
        {{"source", mount.source}, {"target", mount.target}, {"readOnly", mount.read_only}});
  }
  if (identity) {
    json["identity"] = {
        {"user", identity->user}, {"group", identity->group}, {"groups", identity->groups}};
  }
  return write_json(file, json);
}

Result<ContainerPlan> ContainerPlan::read(const std::filesystem::path& file) {
  return read_json<ContainerPlan>(file, [](const Json& json, ContainerPlan& out) {
    json.at("argv").get_to(out.argv);
    json.at("environment").get_to(out.environment);
    json.at("workingDir").get_to(out.working_dir);
    json.at("logFile").get_to(out.log_file);
    json.at("logBytes").get_to(out.log_bytes);
    json.at("logFiles").get_to(out.log_files);
    json.at("cgroup").get_to(out.cgroup);
    json.at("root").get_to(out.root);
    // Plans of containers that an older version of us started have none.
    out.range_holder = json.value("rangeHolder", "");
    out.mount_mode = mount_mode_of(json.at("mountMode").get<std::string>());
    for (const Json& mount : json.at("mounts")) {
      out.mounts.push_back(
          {mount.at("source"), mount.at("target"), mount.at("readOnly").get<bool>()});
    }
    if (!json.contains("identity")) return;
    const Json& identity = json.at("identity");
    out.identity = ProcessIdentity{identity.at("user"), identity.at("group"),
                                   identity.at("groups").get<std::vector<gid_t>>()};
  });
}

Status RunRecord::write(const std::filesystem::path& file) const {
  return write_json(file, {{"shim", shim},
                           {"shimStarted", shim_started},
                           {"pid", pid},
                           {"pidStarted", pid_started},
                           {"boot", boot}});
}

Result<RunRecord> RunRecord::read(const std::filesystem::path& file) {
  return read_json<RunRecord>(file, [](const Json& json, RunRecord& out) {
    json.at("shim").get_to(out.shim);
    json.at("shimStarted").get_to(out.shim_started);
    json.at("pid").get_to(out.pid);
    json.at("pidStarted").get_to(out.pid_started);
    json.at("boot").get_to(out.boot);
  });
}

Status ExitRecord::write(const std::filesystem::path& file) const {
  return write_json(file, {{"code", code},
                           {"signal", signal},
                           {"outOfMemory", out_of_memory},
                           {"finishedNs", finished_ns}});
}

Result<ExitRecord> ExitRecord::read(const std::filesystem::path& file) {
  return read_json<ExitRecord>(file, [](const Json& json, ExitRecord& out) {
    json.at("code").get_to(out.code);
    json.at("signal").get_to(out.signal);
    json.at("outOfMemory").get_to(out.out_of_memory);
    json.at("finishedNs").get_to(out.finished_ns);
  });
}

std::string boot_id() {
  Result<std::string> text = read_file("/proc/sys/kernel/random/boot_id", 64);
  if (!text.ok()) return {};
  while (text->ends_with('\n')) text->pop_back();
  return *text;
}

}  // namespace nacelle::control::node
