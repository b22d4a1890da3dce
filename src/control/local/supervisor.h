// supervisor.h: keeps one program running: starts it, waits for its end, backs off, starts it
// again.
//
// Home:    one loop.
// Errors:  a program that cannot be started counts as ended at once and is tried again.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "async/loop.h"
#include "async/task.h"
#include "async/task_scope.h"
#include "control/core/restart_policy.h"
#include "control/local/child_process.h"

namespace nacelle::control {

class Supervisor {
 public:
  struct Config {
    std::string name;  // in logs: "engine-0"
    ChildProcess::Command command;
    RestartPolicy restart;
    // Called on the loop after each end that stop() did not ask for, with the wait before the
    // restart.
    std::function<void(const ExitReason&, Duration wait)> on_exit;
  };

  Supervisor(async::Loop& loop, Config config);
  ~Supervisor();

  void start();
  // SIGTERM, and SIGKILL when the grace is over; returns when the process ended.
  [[nodiscard]] async::Task<void> stop(Duration grace);

  [[nodiscard]] bool running() const { return child_ != nullptr && child_->running(); }
  [[nodiscard]] pid_t pid() const { return child_ == nullptr ? -1 : child_->pid(); }
  [[nodiscard]] double progress() { return child_ == nullptr ? -1 : child_->progress(); }
  [[nodiscard]] int restarts() const { return restarts_; }

 private:
  async::Task<void> run();
  async::Task<void> kill_after(Duration grace);

  async::Loop& loop_;
  Config config_;
  async::StopScope scope_;
  std::unique_ptr<ChildProcess> child_;
  int restarts_ = 0;
  bool stopping_ = false;
};

}  // namespace nacelle::control
