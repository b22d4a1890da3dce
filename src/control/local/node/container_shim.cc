#include "control/local/node/container_shim.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <charconv>
#include <csignal>
#include <cstring>
#include <utility>

#include "base/file.h"
#include "control/local/node/container_plan.h"
#include "control/local/node/log_writer.h"
#include "control/local/node/mount_tree.h"
#include "control/local/node/program_search.h"
#include "control/local/range_claim.h"

namespace nacelle::control::node {
namespace {

using WallClock = std::chrono::system_clock;

// False when the agent that started us is gone.
bool say(std::string_view text) {
  return ::write(1, text.data(), text.size()) == static_cast<ssize_t>(text.size());
}

struct PipePair {
  OwnedFd read, write;
};
Result<PipePair> make_pipe() {
  int fds[2];
  if (::pipe2(fds, O_CLOEXEC) != 0) return unavailable("pipe: {}", std::strerror(errno));
  return PipePair{OwnedFd(fds[0]), OwnedFd(fds[1])};
}

std::uint64_t oom_kills(const std::string& cgroup) {
  if (cgroup.empty()) return 0;
  const Result<std::string> events = read_file(cgroup + "/memory.events", 4096);
  if (!events.ok()) return 0;
  const std::size_t at = events->find("oom_kill ");
  std::uint64_t count = 0;
  if (at != std::string::npos) {
    std::from_chars(events->data() + at + 9, events->data() + events->size(), count);
  }
  return count;
}

class Shim {
 public:
  Shim(std::filesystem::path folder, ContainerPlan plan)
      : folder_(std::move(folder)),
        plan_(std::move(plan)),
        log_(plan_.log_file, plan_.log_bytes, plan_.log_files) {}

  Status start() {
    RETURN_IF_ERROR(log_.open());
    if (!plan_.range_holder.empty()) {
      ASSIGN_OR_RETURN(range_, hold_name(fmt::format("{}/{}", plan_.range_holder, ::getpid())));
    }
    // Orphans of the container become ours, so that they can be found and ended.
    ::prctl(PR_SET_CHILD_SUBREAPER, 1);
    ::signal(SIGPIPE, SIG_IGN);
    ::signal(SIGHUP, SIG_IGN);
    ASSIGN_OR_RETURN(PipePair out, make_pipe());
    ASSIGN_OR_RETURN(PipePair err, make_pipe());
    SpawnPlan spawned;
    spawned.environment = plan_.environment;
    spawned.working_dir = plan_.working_dir;
    spawned.output = out.write.get();
    spawned.error = err.write.get();
    spawned.identity = plan_.identity;
    OwnedFd cgroup;
    if (!plan_.cgroup.empty()) {
      cgroup = OwnedFd(::open((plan_.cgroup + "/cgroup.procs").c_str(), O_WRONLY | O_CLOEXEC));
      if (!cgroup.open()) return unavailable("{}: {}", plan_.cgroup, std::strerror(errno));
      spawned.cgroup_procs = cgroup.get();
    }
    spawned.argv = plan_.argv;
    // One thread: the child may allocate. The name is looked up where the container will be.
    spawned.prepare = [this] {
      const Status entered = enter_mount_tree(plan_.mount_mode, plan_.root, plan_.mounts);
      if (!entered.ok()) {
        const std::string text = "cannot mount the volumes: " + entered.message() + "\n";
        [[maybe_unused]] const ssize_t written = ::write(2, text.data(), text.size());
      }
      return entered.ok();
    };
    spawned.argv[0] = find_program(plan_.argv.at(0), plan_.environment);
    ASSIGN_OR_RETURN(pid_, spawn(spawned));
    pidfd_ = open_pidfd(pid_);
    out_ = std::move(out.read);
    err_ = std::move(err.read);
    RunRecord record{::getpid(), process_start_time(::getpid()), pid_, process_start_time(pid_),
                     boot_id()};
    RETURN_IF_ERROR(record.write(folder_ / kRunFile));
    if (!say(fmt::format("started {} {}\n", record.pid, record.pid_started))) {
      // An agent that went before it heard of this start has not written it down: the next one
      // would start the container a second time.
      end_the_rest();
      std::error_code ignored;
      std::filesystem::remove(folder_ / kRunFile, ignored);
      return cancelled("the node agent ended");
    }
    // The end of our output tells the agent that there is no more to read.
    const OwnedFd null(::open("/dev/null", O_RDWR | O_CLOEXEC));
    ::dup2(null.get(), 1);
    return {};
  }

  Status run() {
    bool running = true;
    while (out_.open() || err_.open() || running) {
      std::array<pollfd, 3> watched = {pollfd{out_.get(), POLLIN, 0}, pollfd{err_.get(), POLLIN, 0},
                                       pollfd{running ? pidfd_.get() : -1, POLLIN, 0}};
      if (::poll(watched.data(), watched.size(), -1) < 0 && errno != EINTR) break;
      if (watched[0].revents != 0) forward(out_, LogWriter::Stream::kOut);
      if (watched[1].revents != 0) forward(err_, LogWriter::Stream::kErr);
      if (running && watched[2].revents != 0) {
        running = false;
        collect();
        // Whoever is left holds the pipes and would keep the container alive.
        end_the_rest();
      }
      reap_orphans(running);
    }
    return exit_.write(folder_ / kExitFile);
  }

 private:
  void forward(OwnedFd& from, LogWriter::Stream stream) {
    const ssize_t got = ::read(from.get(), buffer_.data(), buffer_.size());
    if (got > 0) {
      log_.append(stream, {buffer_.data(), static_cast<std::size_t>(got)}, WallClock::now());
    } else if (got == 0 || (errno != EINTR && errno != EAGAIN)) {
      log_.finish(stream, WallClock::now());
      from.reset();
    }
  }

  void collect() {
    int status = 0;
    while (::waitpid(pid_, &status, 0) < 0 && errno == EINTR) {
    }
    if (WIFEXITED(status)) exit_.code = WEXITSTATUS(status);
    if (WIFSIGNALED(status)) exit_.signal = WTERMSIG(status);
    exit_.out_of_memory = oom_kills(plan_.cgroup) > 0 && exit_.signal == SIGKILL;
    exit_.finished_ns =
        std::chrono::duration_cast<std::chrono::nanoseconds>(WallClock::now().time_since_epoch())
            .count();
  }

  // The container's group and all orphans that came to us, again until there are none: a process
  // that forks while it is killed leaves another.
  void end_the_rest() {
    ::kill(-pid_, SIGKILL);
    if (!plan_.cgroup.empty()) {
      const OwnedFd kill(::open((plan_.cgroup + "/cgroup.kill").c_str(), O_WRONLY | O_CLOEXEC));
      if (kill.open()) [[maybe_unused]]
        const ssize_t written = ::write(kill.get(), "1", 1);
    }
    while (true) {
      const Result<std::string> children =
          read_file(fmt::format("/proc/self/task/{}/children", ::getpid()), 1 << 20);
      std::string_view rest = children.ok() ? std::string_view(*children) : std::string_view();
      for (int pid = 0; !rest.empty();
           rest.remove_prefix(std::min(rest.find(' ') + 1, rest.size()))) {
        if (std::from_chars(rest.data(), rest.data() + rest.size(), pid).ec != std::errc()) break;
        ::kill(pid, SIGKILL);
        if (rest.find(' ') == std::string_view::npos) break;
      }
      // Waits for one of them; none left ends the loop.
      if (::waitpid(-1, nullptr, 0) < 0 && errno != EINTR) return;
    }
  }

  void reap_orphans(bool running) const {
    // The container itself stays a zombie until collect() asks for it.
    siginfo_t info{};
    while (running && ::waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) == 0 &&
           info.si_pid != 0 && info.si_pid != pid_) {
      ::waitpid(info.si_pid, nullptr, WNOHANG);
      info = {};
    }
  }

  std::filesystem::path folder_;
  ContainerPlan plan_;
  LogWriter log_;
  pid_t pid_ = 0;
  OwnedFd pidfd_, out_, err_;
  OwnedFd range_;  // the name that says that our address is in use
  ExitRecord exit_;
  std::array<char, 64 * 1024> buffer_;
};

}  // namespace

int run_container_shim(const std::filesystem::path& folder) {
  ::close(SpawnPlan::kProgressFd);  // nobody's
  Result<ContainerPlan> plan = ContainerPlan::read(folder / kPlanFile);
  if (!plan.ok() || plan->argv.empty()) {
    (void)say(fmt::format("failed {}\n", plan.ok() ? "no command" : plan.error().message()));
    return 1;
  }
  auto shim = std::make_unique<Shim>(folder, std::move(*plan));
  if (const Status started = shim->start(); !started.ok()) {
    (void)say(fmt::format("failed {}\n", started.message()));
    return 1;
  }
  return shim->run().ok() ? 0 : 1;
}

}  // namespace nacelle::control::node
