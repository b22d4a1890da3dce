#include "control/local/spawn.h"

#include <fcntl.h>
#include <grp.h>
#include <linux/close_range.h>
#include <pthread.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <csignal>
#include <cstddef>
#include <cstring>
#include <memory>
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

// By the system calls: the library's functions change all threads that it knows of, and while the
// child has the memory of its parent those are the parent's.
void take_identity(const ProcessIdentity& identity) {
  const uid_t user = identity.user;
  const gid_t group = identity.group;
  if (::syscall(SYS_setgroups, identity.groups.size(), identity.groups.data()) != 0) {
    give_up("groups");
  }
  if (::syscall(SYS_setresgid, group, group, group) != 0) give_up("group");
  if (::syscall(SYS_setresuid, user, user, user) != 0) give_up("user");
}

// Handlers of ours must not run in the child, whose memory may be ours: what is handled becomes the
// default, before the first signal is let through.
void forget_signal_handlers() {
  for (int number = 1; number < NSIG; ++number) {
    struct sigaction action {};
    if (::sigaction(number, nullptr, &action) != 0) continue;
    const bool ignored = action.sa_handler == SIG_IGN;
    const bool ours = number == SIGPIPE || number == SIGHUP || number == SIGCHLD;
    if (action.sa_handler == SIG_DFL || (ignored && !ours)) continue;
    action = {};
    action.sa_handler = SIG_DFL;
    ::sigaction(number, &action, nullptr);
  }
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
  forget_signal_handlers();
  sigset_t none;
  ::sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
  ::execve(prepared.argv[0], prepared.argv.data(),
           plan.environment ? prepared.environment.data() : environ);
  give_up(prepared.argv[0]);
}

struct Start {
  const SpawnPlan& plan;
  const Prepared& prepared;
};

int run_start(void* start) {
  const Start& given = *static_cast<const Start*>(start);
  run_child(given.plan, given.prepared);
}

// What a fork of a large process costs, milliseconds for the tables of its memory and a fault for
// each page that it touches afterwards, is for nothing when the child executes a program at once:
// it runs in our memory on a stack of its own, and we wait until it has, as in posix_spawn().
pid_t start_in_our_memory(const SpawnPlan& plan, const Prepared& prepared) {
  constexpr std::size_t kStackBytes = 64 * 1024;
  const auto stack =
      std::make_unique_for_overwrite<std::max_align_t[]>(kStackBytes / sizeof(std::max_align_t));
  Start start{plan, prepared};
  sigset_t all;
  sigset_t before;
  ::sigfillset(&all);
  ::pthread_sigmask(SIG_SETMASK, &all, &before);
  const pid_t child = ::clone(run_start, stack.get() + kStackBytes / sizeof(std::max_align_t),
                              CLONE_VM | CLONE_VFORK | SIGCHLD, &start);
  const int error = errno;
  ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
  errno = error;
  return child;
}

pid_t start_child(const SpawnPlan& plan, const Prepared& prepared) {
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)  // they know their stacks only
  if (!plan.prepare) return start_in_our_memory(plan, prepared);
#endif
  const pid_t child = ::fork();
  if (child == 0) run_child(plan, prepared);
  return child;
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
  const pid_t child = start_child(plan, prepared);
  if (child < 0) return unavailable("fork: {}", std::strerror(errno));
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
