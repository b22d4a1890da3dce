// pod_folder.h: where the files of a pod lie.
//
//   pods/<uid>/pod.json                     object, state, address: what a new agent needs
//   pods/<uid>/volumes/<name>/
//   pods/<uid>/logs/<container>/<restarts>.log[.1 ...]
//   pods/<uid>/containers/<name>/<attempt>/ plan.json run.json exit.json termination root/
//   pods/<uid>/containers/<name>/work/      working directory where none is given
//
// Home:    any thread; blocks on the disk.
// Errors:  the file's; load() is data_loss for a file that is not ours.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>

#include "base/result.h"
#include "control/core/pod/fields.h"

namespace nacelle::control::node {

class PodFolder {
 public:
  PodFolder(const std::filesystem::path& node_folder, const std::string& uid)
      : path_(node_folder / "pods" / uid) {}

  [[nodiscard]] const std::filesystem::path& path() const { return path_; }
  [[nodiscard]] std::filesystem::path record() const { return path_ / "pod.json"; }
  [[nodiscard]] std::filesystem::path container(const std::string& name) const {
    return path_ / "containers" / name;
  }
  [[nodiscard]] std::filesystem::path run(const std::string& name, std::uint32_t attempt) const {
    return container(name) / std::to_string(attempt);
  }
  [[nodiscard]] std::filesystem::path termination(const std::string& name,
                                                  std::uint32_t attempt) const {
    return run(name, attempt) / "termination";
  }
  [[nodiscard]] std::filesystem::path logs(const std::string& name) const {
    return path_ / "logs" / name;
  }
  [[nodiscard]] std::filesystem::path log(const std::string& name, std::uint32_t restarts) const {
    return logs(name) / fmt::format("{}.log", restarts);
  }

  // An empty folder for a run, its log's folder, and no runs and logs before the last but one.
  [[nodiscard]] Status prepare_run(const std::string& name, std::uint32_t attempt,
                                   std::uint32_t restarts) const;

  [[nodiscard]] Status save(const pod::Json& record) const;
  [[nodiscard]] Result<pod::Json> load() const;
  void remove() const;

 private:
  std::filesystem::path path_;
};

// Kills what a pod's folder says is running.
void kill_left_over(const PodFolder& folder, const std::string& boot);

}  // namespace nacelle::control::node
