#include "control/local/spawn.h"

#include <fcntl.h>
#include <grp.h>
#include <linux/close_range.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <csignal>
#include <cstring>
#include <utility>

namespace nacelle::control {
namespace {

// What the child needs, made before the fork: no allocation after it.
struct Prepared {
  std::vector<char*> argv;
  std::vector<char*> environment;
  OwnedFd null;
  OwnedFd user_namespace;
  OwnedFd mount_namespace;
  OwnedFd root;
  pid_t parent = 0;
};

std::vector<char*> pointers(const std::vector<std::string>& texts) {
  std::vector<char*> out;
  out.reserve(texts.size() + 1);
  for (const std::string& text : texts) out.push_back(const_cast<char*>(text.c_str()));
  out.push_back(nullptr);
  return out;
}

[[noreturn]] void give_up(const char* what) {
  const int error = errno;
  const auto say = [](const char* text) {
    [[maybe_unused]] const ssize_t written = ::write(2, text, std::strlen(text));
  };
  say("cannot start the program: ");
  say(what);
  say(": ");
  say(::strerrordesc_np(error) != nullptr ? ::strerrordesc_np(error) : "unknown error");
  say("\n");
  ::_exit(error == EACCES || error == ENOEXEC ? 126 : 127);
}

// Moves a descriptor out of the range that is about to be replaced.
int lifted(int fd) {
  return fd >= 0 && fd <= SpawnPlan::kProgressFd ? ::fcntl(fd, F_DUPFD_CLOEXEC, 10) : fd;
}

void place(int fd, int target) {
  if (fd == target) {
    ::fcntl(fd, F_SETFD, 0);
  } else {
    ::dup2(fd, target);
  }
}

void arrange_descriptors(const SpawnPlan& plan, const Prepared& prepared) {
  const int null = lifted(prepared.null.get());
  const int input = plan.input >= 0 ? lifted(plan.input) : null;
  const int output = plan.output >= 0 ? lifted(plan.output) : null;
  const int error = plan.error >= 0 ? lifted(plan.error) : null;
  const int progress = lifted(plan.progress);
  place(input, 0);
  place(output, 1);
  place(error, 2);
  if (progress >= 0) place(progress, SpawnPlan::kProgressFd);
}

// What others opened without O_CLOEXEC, as accepted connections are: their peers would wait for an
// end that comes with the end of the child only.
void close_the_rest_at_exec(const SpawnPlan& plan) {
  constexpr int kMostOfOldKernels = 65'536;
  const int first = plan.progress >= 0 ? SpawnPlan::kProgressFd + 1 : SpawnPlan::kProgressFd;
  if (::close_range(static_cast<unsigned>(first), ~0U, CLOSE_RANGE_CLOEXEC) == 0) return;
  for (int fd = first; fd < kMostOfOldKernels; ++fd) ::fcntl(fd, F_SETFD, FD_CLOEXEC);
}

void enter_namespaces(const Prepared& prepared) {
  if (prepared.user_namespace.open() &&
      ::setns(prepared.user_namespace.get(), CLONE_NEWUSER) != 0 &&
      errno != EINVAL) {  // EINVAL: it is our own
    give_up("user namespace of the container");
  }
  if (!prepared.mount_namespace.open()) return;
  if (::setns(prepared.mount_namespace.get(), CLONE_NEWNS) != 0) {
    give_up("mount namespace of the container");
  }
  if (::fchdir(prepared.root.get()) != 0 || ::chroot(".") != 0) give_up("root of the container");
}

void take_identity(const ProcessIdentity& identity) {
  if (::setgroups(identity.groups.size(), identity.groups.data()) != 0) give_up("groups");
  if (::setresgid(identity.group, identity.group, identity.group) != 0) give_up("group");
  if (::setresuid(identity.user, identity.user, identity.user) != 0) give_up("user");
}

[[noreturn]] void run_child(const SpawnPlan& plan, const Prepared& prepared) {
  if (plan.own_session) {
    ::setsid();
  } else {
    ::setpgid(0, 0);
  }
  if (plan.die_with_parent) {
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (::getppid() != prepared.parent) ::_exit(127);  // it died before the line above took effect
  }
  arrange_descriptors(plan, prepared);
  close_the_rest_at_exec(plan);
  if (plan.cgroup_procs >= 0 && ::write(plan.cgroup_procs, "0", 1) != 1) give_up("cgroup");
  enter_namespaces(prepared);
  if (plan.prepare && !plan.prepare()) ::_exit(127);
  if (plan.identity) take_identity(*plan.identity);
  // A change of user or of rights forgets it.
  if (plan.die_with_parent) ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (!plan.working_dir.empty() && ::chdir(plan.working_dir.c_str()) != 0) {
    give_up(plan.working_dir.c_str());
  }
  struct sigaction plain {};
  plain.sa_handler = SIG_DFL;
  for (const int number : {SIGPIPE, SIGHUP, SIGCHLD}) ::sigaction(number, &plain, nullptr);
  sigset_t none;
  ::sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
  ::execve(prepared.argv[0], prepared.argv.data(),
           plan.environment ? prepared.environment.data() : environ);
  give_up(prepared.argv[0]);
}

OwnedFd open_of(pid_t pid, const char* what) {
  return OwnedFd(::open(fmt::format("/proc/{}/{}", pid, what).c_str(), O_RDONLY | O_CLOEXEC));
}

// Fields of /proc/<pid>/stat behind the name, which may hold anything.
std::string stat_fields(pid_t pid) {
  const OwnedFd file = open_of(pid, "stat");
  if (!file.open()) return {};
  char buffer[1024];
  const ssize_t got = ::read(file.get(), buffer, sizeof buffer);
  const std::string_view text(buffer, got > 0 ? static_cast<std::size_t>(got) : 0);
  const std::size_t name_end = text.rfind(')');
  return name_end == std::string_view::npos ? std::string()
                                            : std::string(text.substr(name_end + 2));
}

}  // namespace

void OwnedFd::reset(int fd) {
  if (fd_ >= 0) ::close(fd_);
  fd_ = fd;
}

Result<pid_t> spawn(const SpawnPlan& plan) {
  Prepared prepared;
  prepared.argv = pointers(plan.argv);
  if (plan.environment) prepared.environment = pointers(*plan.environment);
  prepared.null = OwnedFd(::open("/dev/null", O_RDWR | O_CLOEXEC));
  if (plan.mounts_of != 0) {
    prepared.mount_namespace = open_of(plan.mounts_of, "ns/mnt");
    prepared.root = OwnedFd(::open(fmt::format("/proc/{}/root", plan.mounts_of).c_str(),
                                   O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (!prepared.mount_namespace.open() || !prepared.root.open()) {
      return unavailable("process {}: {}", plan.mounts_of, std::strerror(errno));
    }
    struct stat ours {};
    struct stat theirs {};
    prepared.user_namespace = open_of(plan.mounts_of, "ns/user");
    if (::stat("/proc/self/ns/user", &ours) == 0 &&
        ::fstat(prepared.user_namespace.get(), &theirs) == 0 && ours.st_ino == theirs.st_ino) {
      prepared.user_namespace.reset();
    }
  }
  prepared.parent = ::getpid();
  const pid_t child = ::fork();
  if (child < 0) return unavailable("fork: {}", std::strerror(errno));
  if (child == 0) run_child(plan, prepared);
  return child;
}

OwnedFd open_pidfd(pid_t pid) {
  return OwnedFd(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)));
}

std::uint64_t process_start_time(pid_t pid) {
  const std::string fields = stat_fields(pid);
  std::string_view rest = fields;
  if (rest.starts_with('Z') || rest.starts_with('X')) return 0;
  // The state is field 3, the start time field 22.
  for (int i = 3; i < 22; ++i) {
    const std::size_t space = rest.find(' ');
    if (space == std::string_view::npos) return 0;
    rest.remove_prefix(space + 1);
  }
  std::uint64_t value = 0;
  std::from_chars(rest.data(), rest.data() + rest.size(), value);
  return value;
}

bool signal_process(pid_t pid, std::uint64_t start_time, int number, bool group) {
  // The descriptor keeps the process's identity while its start time is compared.
  const OwnedFd pidfd = open_pidfd(pid);
  if (!pidfd.open() || process_start_time(pid) != start_time) return false;
  if (group && ::kill(-pid, number) == 0) return true;
  return ::syscall(SYS_pidfd_send_signal, pidfd.get(), number, nullptr, 0) == 0;
}

}  // namespace nacelle::control
