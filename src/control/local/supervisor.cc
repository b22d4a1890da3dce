#include "control/local/supervisor.h"

#include <csignal>

#include "telemetry/log.h"

namespace nacelle::control {

Supervisor::Supervisor(async::Loop& loop, Config config)
    : loop_(loop), config_(std::move(config)), scope_(loop) {}

Supervisor::~Supervisor() = default;

void Supervisor::start() { scope_.spawn(run()); }

async::Task<void> Supervisor::run() {
  RestartState restart(config_.restart);
  while (!stopping_) {
    const TimePoint started = std::chrono::steady_clock::now();
    ExitReason reason{127, 0};
    auto child = ChildProcess::start(loop_, config_.command);
    if (child) {
      child_ = std::move(*child);
      log::info("process started", {{"name", config_.name}, {"pid", child_->pid()}});
      reason = co_await child_->wait();
    } else {
      log::error("process cannot be started", {{"name", config_.name}, {"why", child.error()}});
    }
    if (stopping_) break;
    const Duration wait = restart.on_exit(std::chrono::steady_clock::now() - started);
    log::info("process ended, starting it again", {{"name", config_.name},
                                                   {"reason", reason.describe()},
                                                   {"wait_seconds", to_seconds(wait)}});
    if (config_.on_exit) config_.on_exit(reason, wait);
    if (const bool slept = co_await scope_.sleep(wait); !slept) break;
    ++restarts_;
  }
}

async::Task<void> Supervisor::kill_after(Duration grace) {
  if (const bool slept = co_await scope_.sleep(grace); !slept) co_return;
  if (child_ != nullptr && child_->running()) {
    log::warn("process did not end in time, killing it", {{"name", config_.name}});
    child_->signal(SIGKILL);
  }
}

async::Task<void> Supervisor::stop(Duration grace) {
  stopping_ = true;
  if (child_ != nullptr && child_->running()) {
    child_->signal(SIGTERM);
    scope_.spawn(kill_after(grace));
    (void)co_await child_->wait();
  }
  scope_.stop();
  co_await scope_.join();
}

}  // namespace nacelle::control
