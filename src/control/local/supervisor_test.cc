#include "control/local/supervisor.h"

#include <gtest/gtest.h>

#include <csignal>
#include <filesystem>

#include "async/runtime.h"
#include "async/timer.h"
#include "base/file.h"

namespace nacelle::control {
namespace {

Supervisor::Config shell(const std::string& script, const std::filesystem::path& log) {
  Supervisor::Config config;
  config.name = "test";
  config.command = {{"/bin/sh", "-c", script}, log};
  config.restart = {.initial = 1ms, .maximum = 4ms, .healthy_after = 60s};
  return config;
}

class SupervisorTest : public testing::Test {
 protected:
  void SetUp() override {
    log_ = std::filesystem::path(testing::TempDir()) /
           (std::string("supervisor_") +
            testing::UnitTest::GetInstance()->current_test_info()->name() + ".log");
    std::filesystem::remove(log_);
    runtime_.start();
  }
  void TearDown() override {
    runtime_.stop();
    runtime_.join();
  }

  async::Runtime runtime_{1};
  std::filesystem::path log_;
};

async::Task<void> wait_for_restarts(Supervisor* supervisor, async::Event* exited, int count) {
  supervisor->start();
  while (supervisor->restarts() < count) {
    exited->reset();
    (void)co_await exited->wait();
  }
  co_await supervisor->stop(1s);
}

TEST_F(SupervisorTest, StartsAgainAfterEachEndAndKeepsTheOutput) {
  async::Loop& loop = runtime_.loop(0);
  async::Event exited(loop);
  std::vector<std::string> reasons;
  auto config = shell("echo ran; exit 3", log_);
  config.on_exit = [&](const ExitReason& reason, Duration) {
    reasons.push_back(reason.describe());
    exited.set();
  };
  Supervisor supervisor(loop, std::move(config));
  async::run_blocking(loop, wait_for_restarts(&supervisor, &exited, 3));
  EXPECT_GE(reasons.size(), 3u);
  EXPECT_EQ(reasons[0], "exit code 3");
  EXPECT_TRUE(read_file(log_)->starts_with("ran\nran\nran\n"));
}

async::Task<ExitReason> run_once(async::Loop* loop, ChildProcess::Command command, int signal) {
  auto child = ChildProcess::start(*loop, command);
  if (!child) co_return ExitReason{-1, 0};
  if (signal != 0) (*child)->signal(signal);
  co_return co_await (*child)->wait();
}

TEST_F(SupervisorTest, ReportsSignalsAndMissingPrograms) {
  async::Loop& loop = runtime_.loop(0);
  ChildProcess::Command sleeper{{"/bin/sh", "-c", "exec sleep 1000"}, log_};
  EXPECT_EQ(async::run_blocking(loop, run_once(&loop, sleeper, SIGKILL)).describe(),
            "signal 9 (Killed)");
  ChildProcess::Command missing{{"/nowhere/program"}, log_};
  EXPECT_EQ(async::run_blocking(loop, run_once(&loop, missing, 0)).code, -1);
}

async::Task<double> read_progress(async::Loop* loop, ChildProcess::Command command) {
  auto child = ChildProcess::start(*loop, command);
  (void)co_await (*child)->wait();
  co_return (*child)->progress();
}

TEST_F(SupervisorTest, ReadsTheLatestProgressLine) {
  async::Loop& loop = runtime_.loop(0);
  ChildProcess::Command command{{"/bin/sh", "-c", "echo 0.25 >&3; echo 0.5 >&3"}, log_};
  EXPECT_EQ(async::run_blocking(loop, read_progress(&loop, command)), 0.5);
}

async::Task<void> start_and_stop(Supervisor* supervisor) {
  supervisor->start();
  while (!supervisor->running()) co_await async::sleep_for(1ms);
  co_await supervisor->stop(Duration(20ms));
}

TEST_F(SupervisorTest, KillsWhatIgnoresTheTermSignal) {
  async::Loop& loop = runtime_.loop(0);
  Supervisor supervisor(loop, shell("trap '' TERM; while :; do sleep 0.01; done", log_));
  async::run_blocking(loop, start_and_stop(&supervisor));
  EXPECT_FALSE(supervisor.running());
}

}  // namespace
}  // namespace nacelle::control
