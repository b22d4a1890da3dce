#include "kube/credentials/exec_command.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

namespace nacelle::kube {
namespace {

constexpr std::size_t kMaxOutputBytes = std::size_t{1} << 20;
constexpr std::size_t kMaxComplaintBytes = 4096;
// Between looks for the end of a program that closed its outputs but runs on.
constexpr Duration kReapPeriod = 5ms;

class Descriptor {
 public:
  Descriptor() = default;
  ~Descriptor() { reset(); }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  void reset(int fd = -1) {
    if (fd_ >= 0) ::close(fd_);
    fd_ = fd;
  }
  [[nodiscard]] int get() const { return fd_; }

 private:
  int fd_ = -1;
};

struct Pipe {
  Descriptor read, write;
  Status open() {
    int ends[2];
    if (::pipe2(ends, O_CLOEXEC) != 0) return unavailable("pipe: {}", std::strerror(errno));
    read.reset(ends[0]);
    write.reset(ends[1]);
    return {};
  }
};

// This process's variables with `over` in front of those of the same name.
std::vector<std::string> environment_with(
    const std::vector<std::pair<std::string, std::string>>& over) {
  std::vector<std::string> out;
  for (const auto& [name, value] : over) out.push_back(name + "=" + value);
  for (char** entry = environ; entry != nullptr && *entry != nullptr; ++entry) {
    const std::string_view text = *entry;
    const std::string_view name = text.substr(0, text.find('='));
    const bool replaced =
        std::any_of(over.begin(), over.end(), [&](const auto& pair) { return pair.first == name; });
    if (!replaced) out.emplace_back(text);
  }
  return out;
}

std::vector<char*> pointers_to(std::vector<std::string>& texts) {
  std::vector<char*> out;
  out.reserve(texts.size() + 1);
  for (std::string& text : texts) out.push_back(text.data());
  out.push_back(nullptr);
  return out;
}

Result<pid_t> spawn(const ExecCommand& command, int output, int complaint) {
  std::vector<std::string> argv = command.argv;
  std::vector<std::string> environment = environment_with(command.environment);
  posix_spawn_file_actions_t files;
  posix_spawnattr_t how;
  ::posix_spawn_file_actions_init(&files);
  ::posix_spawnattr_init(&how);
  ::posix_spawn_file_actions_addopen(&files, 0, "/dev/null", O_RDONLY, 0);
  ::posix_spawn_file_actions_adddup2(&files, output, 1);
  ::posix_spawn_file_actions_adddup2(&files, complaint, 2);
  sigset_t none;
  ::sigemptyset(&none);
  ::posix_spawnattr_setsigmask(&how, &none);
  sigset_t usual;  // we ignore SIGPIPE; programs count on it
  ::sigemptyset(&usual);
  ::sigaddset(&usual, SIGPIPE);
  ::posix_spawnattr_setsigdefault(&how, &usual);
  ::posix_spawnattr_setpgroup(&how, 0);
  ::posix_spawnattr_setflags(
      &how, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
  pid_t child = -1;
  const int error = ::posix_spawnp(&child, argv[0].c_str(), &files, &how, pointers_to(argv).data(),
                                   pointers_to(environment).data());
  ::posix_spawn_file_actions_destroy(&files);
  ::posix_spawnattr_destroy(&how);
  if (error == 0) return child;
  const Code code = error == ENOENT ? Code::kNotFound : Code::kUnavailable;
  return Status(code, fmt::format("{}: {}", command.argv[0], std::strerror(error)));
}

// Takes what is there. False at the end of the stream.
bool take(int fd, std::string& into) {
  char buffer[4096];
  const ssize_t got = ::read(fd, buffer, sizeof buffer);
  if (got < 0) return errno == EINTR || errno == EAGAIN;
  into.append(buffer, static_cast<std::size_t>(got));
  return got > 0;
}

int milliseconds_until(TimePoint deadline) {
  const auto left = deadline - std::chrono::steady_clock::now();
  return static_cast<int>(std::clamp<std::int64_t>(
      std::chrono::duration_cast<std::chrono::milliseconds>(left).count() + 1, 0, 60'000));
}

// Reads both streams to their ends.
Status collect(int output, int complaint, int stop, TimePoint deadline, ExecOutcome& out) {
  pollfd wait[] = {{output, POLLIN, 0}, {complaint, POLLIN, 0}, {stop, POLLIN, 0}};
  while (wait[0].fd >= 0 || wait[1].fd >= 0) {
    const int ready = ::poll(wait, 3, milliseconds_until(deadline));
    if (ready < 0 && errno != EINTR) return unavailable("poll: {}", std::strerror(errno));
    if (ready > 0 && wait[2].revents != 0) return cancelled("it is not needed any more");
    if (std::chrono::steady_clock::now() >= deadline) {
      return deadline_exceeded("it did not end in time");
    }
    if (ready <= 0) continue;
    if (wait[0].revents != 0 && !take(output, out.output)) wait[0].fd = -1;
    if (wait[1].revents != 0 && !take(complaint, out.complaint)) wait[1].fd = -1;
    if (out.complaint.size() > 2 * kMaxComplaintBytes) {
      out.complaint.erase(0, out.complaint.size() - kMaxComplaintBytes);
    }
    if (out.output.size() > kMaxOutputBytes) {
      return resource_exhausted("it wrote more than {} bytes", kMaxOutputBytes);
    }
  }
  return {};
}

}  // namespace

Result<ExecOutcome> run_command(const ExecCommand& command, Duration patience, int stop) {
  const TimePoint deadline = std::chrono::steady_clock::now() + patience;
  Pipe output, complaint;
  RETURN_IF_ERROR(output.open());
  RETURN_IF_ERROR(complaint.open());
  ASSIGN_OR_RETURN(const pid_t child, spawn(command, output.write.get(), complaint.write.get()));
  output.write.reset();
  complaint.write.reset();
  ExecOutcome out;
  Status ended = collect(output.read.get(), complaint.read.get(), stop, deadline, out);
  int state = 0;
  pid_t reaped = 0;
  while (ended.ok() && (reaped = ::waitpid(child, &state, WNOHANG)) == 0) {
    pollfd asked{stop, POLLIN, 0};
    if (::poll(&asked, 1, static_cast<int>(kReapPeriod / 1ms)) > 0) {
      ended = cancelled("it is not needed any more");
    } else if (std::chrono::steady_clock::now() >= deadline) {
      ended = deadline_exceeded("it did not end in time");
    }
  }
  if (!ended.ok()) {
    ::kill(-child, SIGKILL);
    ::kill(child, SIGKILL);
    while (::waitpid(child, &state, 0) < 0 && errno == EINTR) {
    }
    return ended.with_context(command.argv[0]);
  }
  if (out.complaint.size() > kMaxComplaintBytes) {
    out.complaint.erase(0, out.complaint.size() - kMaxComplaintBytes);
  }
  if (reaped == child && WIFEXITED(state)) out.exit_code = WEXITSTATUS(state);
  if (reaped == child && WIFSIGNALED(state)) out.signal = WTERMSIG(state);
  return out;
}

}  // namespace nacelle::kube
