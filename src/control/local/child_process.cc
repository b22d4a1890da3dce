#include "control/local/child_process.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <boost/asio/buffer.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <cerrno>
#include <charconv>
#include <csignal>
#include <cstring>

namespace nacelle::control {
namespace {

using Descriptor = boost::asio::posix::basic_stream_descriptor<async::Executor>;

Status system_error(std::string_view what) {
  return unavailable("{}: {}", what, std::strerror(errno));
}

Result<OwnedFd> open_log(const std::filesystem::path& path) {
  OwnedFd log(::open(path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644));
  if (!log.open()) return system_error(path.string());
  return log;
}

struct Pipe {
  OwnedFd read, write;
};
Result<Pipe> make_pipe() {
  int fds[2];
  if (::pipe2(fds, O_CLOEXEC) != 0) return system_error("pipe");
  Pipe out{OwnedFd(fds[0]), OwnedFd(fds[1])};
  ::fcntl(out.read.get(), F_SETFL, O_NONBLOCK);
  return out;
}

}  // namespace

std::string ExitReason::describe() const {
  if (signal != 0) return fmt::format("signal {} ({})", signal, ::strsignal(signal));
  return fmt::format("exit code {}", code);
}

struct ChildProcess::Impl {
  Impl(async::Loop& loop, pid_t child, OwnedFd pidfd_of_child)
      : pid(child), ended(loop.executor(), pidfd_of_child.release()), output(loop.executor()) {}

  // Collects the exit status without waiting; true once it is there.
  bool reap() {
    if (reaped) return true;
    if (adopted) {
      pollfd watched{ended.native_handle(), POLLIN, 0};
      reaped = ::poll(&watched, 1, 0) == 1;
      return reaped;
    }
    int status = 0;
    const pid_t got = ::waitpid(pid, &status, WNOHANG);
    if (got == 0) return false;
    reaped = true;
    if (got == pid && WIFEXITED(status)) reason.code = WEXITSTATUS(status);
    if (got == pid && WIFSIGNALED(status)) reason.signal = WTERMSIG(status);
    return true;
  }

  pid_t pid;
  Descriptor ended;  // the pidfd: readable once the process ended
  Descriptor output;
  OwnedFd progress;
  double last_progress = -1;
  bool adopted = false;
  bool reaped = false;
  Lifetime lifetime = Lifetime::kBound;
  ExitReason reason;
};

ChildProcess::ChildProcess(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}

ChildProcess::~ChildProcess() {
  if (impl_->reap() || impl_->lifetime == Lifetime::kFree) return;
  ::kill(-impl_->pid, SIGKILL);
  ::kill(impl_->pid, SIGKILL);
  ::waitpid(impl_->pid, nullptr, 0);
}

Result<std::unique_ptr<ChildProcess>> ChildProcess::start(async::Loop& loop,
                                                          const Command& command) {
  if (command.mounts_of == 0 && ::access(command.argv.at(0).c_str(), X_OK) != 0) {
    return system_error(command.argv[0]);
  }
  SpawnPlan plan;
  OwnedFd log, error_log, cgroup;
  Pipe output;
  if (command.log_file.empty()) {
    ASSIGN_OR_RETURN(output, make_pipe());
    plan.output = output.write.get();
  } else {
    ASSIGN_OR_RETURN(log, open_log(command.log_file));
    plan.output = log.get();
  }
  plan.error = plan.output;
  if (!command.error_log_file.empty()) {
    ASSIGN_OR_RETURN(error_log, open_log(command.error_log_file));
    plan.error = error_log.get();
  }
  if (!command.cgroup.empty()) {
    cgroup = OwnedFd(::open((command.cgroup / "cgroup.procs").c_str(), O_WRONLY | O_CLOEXEC));
    if (!cgroup.open()) return system_error((command.cgroup / "cgroup.procs").string());
    plan.cgroup_procs = cgroup.get();
  }
  ASSIGN_OR_RETURN(Pipe progress, make_pipe());
  ::fcntl(progress.write.get(), F_SETFL, O_NONBLOCK);  // nobody may read it: it must not block
  plan.progress = progress.write.get();
  plan.argv = command.argv;
  plan.environment = command.environment;
  plan.working_dir = command.working_dir.string();
  plan.identity = command.identity;
  plan.mounts_of = command.mounts_of;
  plan.own_session = command.lifetime == Lifetime::kFree;
  plan.die_with_parent = command.lifetime == Lifetime::kBound;
  ASSIGN_OR_RETURN(const pid_t child, spawn(plan));

  OwnedFd pidfd = open_pidfd(child);
  if (!pidfd.open()) {
    const Status error = system_error("pidfd_open");
    ::kill(child, SIGKILL);
    ::waitpid(child, nullptr, 0);
    return error;
  }
  auto impl = std::make_unique<Impl>(loop, child, std::move(pidfd));
  impl->progress = std::move(progress.read);
  impl->lifetime = command.lifetime;
  if (output.read.open()) impl->output.assign(output.read.release());
  return std::unique_ptr<ChildProcess>(new ChildProcess(std::move(impl)));
}

Result<std::unique_ptr<ChildProcess>> ChildProcess::adopt(async::Loop& loop, pid_t pid,
                                                          std::uint64_t start_time) {
  OwnedFd pidfd = open_pidfd(pid);
  // In this order: the descriptor holds the identity that the start time confirms.
  if (!pidfd.open() || start_time == 0 || process_start_time(pid) != start_time) {
    return not_found("process {} ended", pid);
  }
  auto impl = std::make_unique<Impl>(loop, pid, std::move(pidfd));
  impl->adopted = true;
  impl->lifetime = Lifetime::kFree;
  return std::unique_ptr<ChildProcess>(new ChildProcess(std::move(impl)));
}

pid_t ChildProcess::pid() const { return impl_->pid; }

bool ChildProcess::running() const { return !impl_->reap(); }

void ChildProcess::signal(int number) {
  if (impl_->reap()) return;
  ::syscall(SYS_pidfd_send_signal, impl_->ended.native_handle(), number, nullptr, 0);
}

async::Task<ExitReason> ChildProcess::wait() {
  while (!impl_->reap()) {
    auto [error] = co_await impl_->ended.async_wait(Descriptor::wait_read, async::as_tuple);
    if (error) break;
  }
  co_return impl_->reason;
}

async::Task<std::string> ChildProcess::read_output(std::size_t limit) {
  std::string out;
  std::array<char, 4096> buffer;
  while (impl_->output.is_open()) {
    auto [error, got] =
        co_await impl_->output.async_read_some(boost::asio::buffer(buffer), async::as_tuple);
    out.append(buffer.data(), std::min(got, limit - out.size()));
    if (error) break;
  }
  boost::system::error_code ignored;
  impl_->output.close(ignored);
  co_return out;
}

double ChildProcess::progress() {
  char buffer[4096];
  while (true) {
    const ssize_t got = ::read(impl_->progress.get(), buffer, sizeof buffer);
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
