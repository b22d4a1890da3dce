// local_models.h: what is known of the models of services whose sources are folders of this
// machine: file:// and pvc:// of claims whose volumes are folders.
//
// Folders are read on a thread of their own (model_folder.h) and kept. A folder that was looked at
// longer than kFresh ago is looked at again in the background; who asked is told when what it says
// has changed. When no folder has answered for kPatience, those that are waited for are not known,
// and nobody waits any longer.
//
// Home:    the client's loop. stop() before destruction.
// Errors:  none: what is wrong is in the facts.
// Bounds:  one folder is read at a time, kMaxFolders are kept.
#pragma once

#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>

#include "async/task_scope.h"
#include "async/work_pool.h"
#include "control/kube/controller_unit.h"
#include "control/kube/model_folder.h"

namespace nacelle::control {

class LocalModels {
 public:
  static constexpr Duration kFresh = std::chrono::seconds(5);
  static constexpr Duration kPatience = std::chrono::seconds(10);
  static constexpr std::size_t kMaxFolders = 1000;

  // Reads the kinds of claims and volumes: before the informers start. `workshop` outlives it.
  explicit LocalModels(Workshop& workshop);

  // Nothing when it is being read: `again` is called then, once per `asker`, on the loop.
  [[nodiscard]] std::optional<llmd::ModelFacts> of(const Json& service, const std::string& asker,
                                                   std::function<void()> again);

  [[nodiscard]] async::Task<void> stop();
  [[nodiscard]] bool idle() const { return reading_ == 0; }

 private:
  struct Folder {
    std::shared_ptr<const ModelReading> reading;  // null before the first one is done
    bool busy = false;
    TimePoint began{}, ended{};  // of the reading that waits or runs, and of the one before
    std::map<std::string, std::function<void()>> askers;
  };

  // The folder of a source; unimplemented when it is none of this machine.
  [[nodiscard]] Result<std::filesystem::path> folder_of(const Json& service);
  [[nodiscard]] Result<std::filesystem::path> claim_folder(const std::string& name_space,
                                                           const std::string& claim);
  Folder& entry(const std::string& path);
  static async::Task<void> read(LocalModels* self, std::string path);

  Workshop& workshop_;
  async::WorkPool disk_;
  async::StopScope scope_;
  std::map<std::string, Folder> folders_;
  std::size_t reading_ = 0;
  TimePoint last_ended_{};
};

}  // namespace nacelle::control
