#include "apps/nacelle/config_watcher.h"

#include <pthread.h>
#include <sys/stat.h>

#include <csignal>

#include "base/file.h"
#include "gateway/config/load.h"

namespace nacelle::apps {

void ConfigWatcher::block_hangup() {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGHUP);
  pthread_sigmask(SIG_BLOCK, &set, nullptr);
}

ConfigWatcher::ConfigWatcher(std::vector<std::string> paths, Duration interval,
                             std::function<void(Reason)> on_change)
    : paths_(std::move(paths)),
      interval_(interval),
      on_change_(std::move(on_change)),
      seen_(fingerprint()),
      thread_([this] { run(); }) {}

ConfigWatcher::~ConfigWatcher() {
  stopping_.store(true);
  pthread_kill(thread_.native_handle(), SIGHUP);
  thread_.join();
}

std::string ConfigWatcher::fingerprint() const {
  const auto files = gateway::list_files(paths_);
  if (!files) return "";
  std::string text;
  for (const std::string& file : *files) {
    struct ::stat info {};
    if (::stat(file.c_str(), &info) != 0) continue;
    const FileIdentity identity = identity_of(info);
    text += fmt::format("{} {} {} {} {}\n", file, identity.size, identity.inode,
                        identity.modified_ns, identity.changed_ns);
  }
  return text;
}

void ConfigWatcher::run() {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGHUP);
  const auto ns = std::chrono::duration_cast<std::chrono::nanoseconds>(interval_).count();
  const timespec timeout{static_cast<std::time_t>(ns / 1'000'000'000), ns % 1'000'000'000};
  for (;;) {
    const int signal = ::sigtimedwait(&set, nullptr, &timeout);
    if (stopping_.load()) return;
    std::string now = fingerprint();
    // An empty one means that a file is being replaced right now.
    const bool changed = !now.empty() && now != seen_;
    if (changed) seen_ = std::move(now);
    if (signal == SIGHUP) {
      on_change_(Reason::kHangup);
    } else if (changed) {
      on_change_(Reason::kFileChanged);
    }
  }
}

}  // namespace nacelle::apps
