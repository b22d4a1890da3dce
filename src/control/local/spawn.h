// spawn.h: fork and exec with everything that a container of ours can ask for.
//
// Between fork and exec only async-signal-safe calls run, so that a process of many threads may use
// it; `prepare` is the exception and is for processes of one thread. Without it nothing of the
// parent's memory is copied, however much it has: the calling thread waits until the child
// executes.
//
// Home:    any thread.
// Errors:  unavailable with the system's reason when fork fails. What fails in the child ends it
// with
//          127 (126 where the program exists but cannot be executed) and a line on its standard
//          error.
#pragma once

#include <sys/types.h>

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"

namespace nacelle::control {

// A descriptor that closes itself.
class OwnedFd {
 public:
  OwnedFd() = default;
  explicit OwnedFd(int fd) : fd_(fd) {}
  OwnedFd(OwnedFd&& other) noexcept : fd_(other.release()) {}
  OwnedFd& operator=(OwnedFd&& other) noexcept {
    reset(other.release());
    return *this;
  }
  ~OwnedFd() { reset(); }
  void reset(int fd = -1);
  [[nodiscard]] int release() {
    const int fd = fd_;
    fd_ = -1;
    return fd;
  }
  [[nodiscard]] int get() const { return fd_; }
  [[nodiscard]] bool open() const { return fd_ >= 0; }

 private:
  int fd_ = -1;
};

struct ProcessIdentity {
  uid_t user = 0;
  gid_t group = 0;
  std::vector<gid_t> groups;  // supplementary
};

struct SpawnPlan {
  std::vector<std::string> argv;                        // argv[0] is the program's path
  std::optional<std::vector<std::string>> environment;  // "NAME=value"; not given: ours
  std::string working_dir;                              // "" = ours
  int input = -1;                                       // descriptors of ours; -1 = /dev/null
  int output = -1;
  int error = -1;
  int progress = -1;      // becomes kProgressFd; -1 = none
  int cgroup_procs = -1;  // cgroup.procs of the group to join
  // Enter the mount namespace (and root) of this process: its user namespace first where it has one
  // of its own.
  pid_t mounts_of = 0;
  std::optional<ProcessIdentity> identity;  // needs root
  bool own_session = false;                 // else a process group of its own
  bool die_with_parent = true;              // SIGKILL when the thread's process ends
  // Runs in the child before identity and working directory are set; false = exit with 127.
  std::function<bool()> prepare;

  static constexpr int kProgressFd = 3;
};

[[nodiscard]] Result<pid_t> spawn(const SpawnPlan& plan);

// A pidfd of a process; invalid when there is no such process.
[[nodiscard]] OwnedFd open_pidfd(pid_t pid);
// When a process started, in clock ticks since boot: with the pid it names a process for good.
// 0 when there is no such process (or it is a zombie).
[[nodiscard]] std::uint64_t process_start_time(pid_t pid);
// Sends a signal to the process (or its group, when `group`) if it is still the one that started
// then. False when it is gone.
bool signal_process(pid_t pid, std::uint64_t start_time, int number, bool group);

}  // namespace nacelle::control
