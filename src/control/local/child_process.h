// child_process.h: one program started by us, watched through a pidfd.
//
// The child gets its own process group, /dev/null as input, a log file or a pipe to us as output
// and error, and a pipe on descriptor 3 for start-up progress. Kind kBound dies with its parent,
// also when that is killed with -9; kind kFree has a session of its own and outlives us.
//
// Home:    one loop.
// Errors:  start() fails when the program or the log file cannot be opened; a program that cannot
// be
//          executed exits with 127 (126 without permission).
// Bounds:  read_output() keeps at most what it is asked for; more is read and dropped, so that the
//          child never waits for us.
#pragma once

#include <sys/types.h>

#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "async/loop.h"
#include "async/task.h"
#include "base/result.h"
#include "control/local/spawn.h"

namespace nacelle::control {

struct ExitReason {
  int code = 0;    // when it exited
  int signal = 0;  // when a signal ended it
  // "exit code 1", "signal 9 (Killed)".
  [[nodiscard]] std::string describe() const;
};

class ChildProcess {
 public:
  static constexpr int kProgressFd = SpawnPlan::kProgressFd;

  enum class Lifetime : std::uint8_t { kBound, kFree };

  struct Command {
    std::vector<std::string> argv;         // argv[0] is the program's path
    std::filesystem::path log_file;        // appended to; "" = a pipe, see read_output()
    std::filesystem::path error_log_file;  // standard error by itself; "" = as output
    std::optional<std::vector<std::string>> environment;  // "NAME=value"; not given: ours
    std::filesystem::path working_dir;                    // "" = ours
    std::filesystem::path cgroup;                         // cgroup v2 folder to join; "" = ours
    std::optional<ProcessIdentity> identity;              // needs root
    pid_t mounts_of = 0;  // enter the mount namespace and root of this process
    Lifetime lifetime = Lifetime::kBound;
  };

  [[nodiscard]] static Result<std::unique_ptr<ChildProcess>> start(async::Loop& loop,
                                                                   const Command& command);
  // Watches a process that an earlier run of ours started; not_found when the one that started at
  // `start_time` is gone. Its exit status is not ours to know: wait() then returns an empty reason.
  [[nodiscard]] static Result<std::unique_ptr<ChildProcess>> adopt(async::Loop& loop, pid_t pid,
                                                                   std::uint64_t start_time);
  // A bound child that still runs is killed with SIGKILL and reaped; a free one stays.
  ~ChildProcess();
  ChildProcess(const ChildProcess&) = delete;
  ChildProcess& operator=(const ChildProcess&) = delete;

  [[nodiscard]] pid_t pid() const;
  [[nodiscard]] bool running() const;
  void signal(int number);

  // Suspends until the process ended. One waiter.
  [[nodiscard]] async::Task<ExitReason> wait();

  // What the child writes to its output, to the end of it, or `limit` bytes of it. One caller; the
  // pipe is then closed.
  [[nodiscard]] async::Task<std::string> read_output(std::size_t limit);

  // The latest line of the progress pipe: a share in [0, 1]; negative before the first.
  [[nodiscard]] double progress();

 private:
  struct Impl;
  explicit ChildProcess(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace nacelle::control
