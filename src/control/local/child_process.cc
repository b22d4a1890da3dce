#include "control/local/child_process.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <boost/asio/posix/stream_descriptor.hpp>
#include <cerrno>
#include <charconv>
#include <csignal>
#include <cstring>

namespace nacelle::control {
namespace {

struct Descriptor {
  int fd = -1;
  ~Descriptor() { reset(); }
  void reset() {
    if (fd >= 0) ::close(fd);
    fd = -1;
  }
};

// Only async-signal-safe calls: this runs between fork and exec.
[[noreturn]] void run_child(char* const* argv, int null_fd, int log_fd, int progress_fd,
                            pid_t parent) {
  ::setpgid(0, 0);
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (::getppid() != parent) ::_exit(127);  // it died before the line above took effect
  ::dup2(null_fd, 0);
  ::dup2(log_fd, 1);
  ::dup2(log_fd, 2);
  if (progress_fd == ChildProcess::kProgressFd) {
    ::fcntl(progress_fd, F_SETFD, 0);
  } else {
    ::dup2(progress_fd, ChildProcess::kProgressFd);
  }
  sigset_t none;
  ::sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
  ::execv(argv[0], argv);
  const char message[] = "cannot execute the program\n";
  [[maybe_unused]] const ssize_t written = ::write(2, message, sizeof message - 1);
  ::_exit(127);
}

Status system_error(std::string_view what) {
  return unavailable("{}: {}", what, std::strerror(errno));
}

}  // namespace

std::string ExitReason::describe() const {
  if (signal != 0) return fmt::format("signal {} ({})", signal, ::strsignal(signal));
  return fmt::format("exit code {}", code);
}

struct ChildProcess::Impl {
  Impl(async::Loop& loop, pid_t child, int pidfd, int progress_fd)
      : pid(child), ended(loop.context(), pidfd), progress{progress_fd} {}

  // Collects the exit status without waiting; true once it is there.
  bool reap() {
    if (reaped) return true;
    int status = 0;
    const pid_t got = ::waitpid(pid, &status, WNOHANG);
    if (got == 0) return false;
    reaped = true;
    if (got == pid && WIFEXITED(status)) reason.code = WEXITSTATUS(status);
    if (got == pid && WIFSIGNALED(status)) reason.signal = WTERMSIG(status);
    return true;
  }

  pid_t pid;
  boost::asio::posix::stream_descriptor ended;  // the pidfd: readable once the process ended
  Descriptor progress;
  double last_progress = -1;
  bool reaped = false;
  ExitReason reason;
};

ChildProcess::ChildProcess(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}

ChildProcess::~ChildProcess() {
  if (impl_->reap()) return;
  ::kill(-impl_->pid, SIGKILL);
  ::kill(impl_->pid, SIGKILL);
  ::waitpid(impl_->pid, nullptr, 0);
}

Result<std::unique_ptr<ChildProcess>> ChildProcess::start(async::Loop& loop,
                                                          const Command& command) {
  if (::access(command.argv.at(0).c_str(), X_OK) != 0) return system_error(command.argv[0]);
  Descriptor null{::open("/dev/null", O_RDONLY | O_CLOEXEC)};
  Descriptor log{::open(command.log_file.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644)};
  if (log.fd < 0) return system_error(command.log_file.string());
  int pipe_fds[2];
  if (::pipe2(pipe_fds, O_CLOEXEC | O_NONBLOCK) != 0) return system_error("pipe");
  Descriptor read_end{pipe_fds[0]}, write_end{pipe_fds[1]};

  std::vector<char*> argv;
  for (const std::string& arg : command.argv) argv.push_back(const_cast<char*>(arg.c_str()));
  argv.push_back(nullptr);
  const pid_t parent = ::getpid();
  const pid_t child = ::fork();
  if (child < 0) return system_error("fork");
  if (child == 0) run_child(argv.data(), null.fd, log.fd, write_end.fd, parent);

  const int pidfd = static_cast<int>(::syscall(SYS_pidfd_open, child, 0));
  if (pidfd < 0) {
    const Status error = system_error("pidfd_open");
    ::kill(child, SIGKILL);
    ::waitpid(child, nullptr, 0);
    return error;
  }
  const int progress = std::exchange(read_end.fd, -1);
  return std::unique_ptr<ChildProcess>(
      new ChildProcess(std::make_unique<Impl>(loop, child, pidfd, progress)));
}

pid_t ChildProcess::pid() const { return impl_->pid; }

bool ChildProcess::running() const { return !impl_->reap(); }

void ChildProcess::signal(int number) {
  if (!impl_->reap()) ::kill(impl_->pid, number);
}

async::Task<ExitReason> ChildProcess::wait() {
  using boost::asio::posix::stream_descriptor;
  while (!impl_->reap()) {
    auto [error] = co_await impl_->ended.async_wait(stream_descriptor::wait_read, async::as_tuple);
    if (error) break;
  }
  co_return impl_->reason;
}

double ChildProcess::progress() {
  char buffer[4096];
  while (true) {
    const ssize_t got = ::read(impl_->progress.fd, buffer, sizeof buffer);
    if (got <= 0) return impl_->last_progress;
    // The last complete line counts.
    std::string_view text(buffer, static_cast<std::size_t>(got));
    const std::size_t end = text.rfind('\n');
    if (end == std::string_view::npos) continue;
    text = text.substr(0, end);
    if (const std::size_t start = text.rfind('\n'); start != std::string_view::npos) {
      text.remove_prefix(start + 1);
    }
    double value = 0;
    if (std::from_chars(text.data(), text.data() + text.size(), value).ec == std::errc()) {
      impl_->last_progress = value;
    }
  }
}

}  // namespace nacelle::control
