// config_watcher.h: calls back when configuration files changed, or after SIGHUP.
//
// A change is a new size, inode or time of any file, or another list of files in a folder, so that
// editors that rename and mounted ConfigMaps are seen, too.
//
// Home:    a thread of its own; the callbacks run there. SIGHUP must be blocked in every thread
//          (block_hangup() before the first thread starts).
#pragma once

#include <atomic>
#include <functional>
#include <string>
#include <thread>
#include <vector>

#include "base/clock.h"

namespace nacelle::apps {

class ConfigWatcher {
 public:
  enum class Reason { kFileChanged, kHangup };

  static void block_hangup();

  ConfigWatcher(std::vector<std::string> paths, Duration interval,
                std::function<void(Reason)> on_change);
  ~ConfigWatcher();  // joins
  ConfigWatcher(const ConfigWatcher&) = delete;
  ConfigWatcher& operator=(const ConfigWatcher&) = delete;

 private:
  void run();
  [[nodiscard]] std::string fingerprint() const;

  const std::vector<std::string> paths_;
  const Duration interval_;
  const std::function<void(Reason)> on_change_;
  std::atomic<bool> stopping_{false};
  std::string seen_;
  std::thread thread_;
};

}  // namespace nacelle::apps
