// child_process.h: one program started by us, watched through a pidfd.
//
// The child gets its own process group, /dev/null as input, a log file as output and error, a pipe
// on descriptor 3 for start-up progress, and dies with its parent, also when that is killed with
// -9.
//
// Home:    one loop.
// Errors:  start() fails when the program or the log file cannot be opened; a program that cannot
// be
//          executed exits with 127.
#pragma once

#include <sys/types.h>

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "async/loop.h"
#include "async/task.h"
#include "base/result.h"

namespace nacelle::control {

struct ExitReason {
  int code = 0;    // when it exited
  int signal = 0;  // when a signal ended it
  // "exit code 1", "signal 9 (Killed)".
  [[nodiscard]] std::string describe() const;
};

class ChildProcess {
 public:
  static constexpr int kProgressFd = 3;

  struct Command {
    std::vector<std::string> argv;   // argv[0] is the program's path
    std::filesystem::path log_file;  // appended to
  };

  [[nodiscard]] static Result<std::unique_ptr<ChildProcess>> start(async::Loop& loop,
                                                                   const Command& command);
  ~ChildProcess();  // kills with SIGKILL and reaps what still runs
  ChildProcess(const ChildProcess&) = delete;
  ChildProcess& operator=(const ChildProcess&) = delete;

  [[nodiscard]] pid_t pid() const;
  [[nodiscard]] bool running() const;
  void signal(int number);

  // Suspends until the process ended. One waiter.
  [[nodiscard]] async::Task<ExitReason> wait();

  // The latest line of the progress pipe: a share in [0, 1]; negative before the first.
  [[nodiscard]] double progress();

 private:
  struct Impl;
  explicit ChildProcess(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace nacelle::control
