#include "control/local/node/mount_tree.h"

#include <dirent.h>
#include <fcntl.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <climits>
#include <cstring>
#include <utility>

namespace nacelle::control::node {
namespace {

Status failed(std::string_view what, std::string_view path) {
  return unavailable("{} {}: {}", what, path, std::strerror(errno));
}

Status write_text(const char* path, const std::string& text) {
  const OwnedFd file(::open(path, O_WRONLY | O_CLOEXEC));
  if (!file.open() || ::write(file.get(), text.data(), text.size()) < 0) {
    return failed("write", path);
  }
  return {};
}

// Plain system calls only: also used between fork and exit of a process with threads.
int unshare_mounts(bool user) { return ::unshare(CLONE_NEWNS | (user ? CLONE_NEWUSER : 0)); }

Status enter_namespaces(MountMode mode) {
  const uid_t user = ::geteuid();
  const gid_t group = ::getegid();
  if (unshare_mounts(mode == MountMode::kUser) != 0) return failed("unshare", "mount namespace");
  if (mode == MountMode::kUser) {
    // We stay who we are, so that files keep their owner.
    RETURN_IF_ERROR(write_text("/proc/self/setgroups", "deny"));
    RETURN_IF_ERROR(write_text("/proc/self/uid_map", fmt::format("{} {} 1", user, user)));
    RETURN_IF_ERROR(write_text("/proc/self/gid_map", fmt::format("{} {} 1", group, group)));
  }
  // What the host mounts later is seen, what we mount stays here.
  if (::mount(nullptr, "/", nullptr, MS_REC | MS_SLAVE, nullptr) != 0)
    return failed("unshare", "/");
  return {};
}

class Tree {
 public:
  explicit Tree(std::string root) : root_(std::move(root)) {}

  Status make() {
    if (::mount("nacelle", root_.c_str(), "tmpfs", 0, "mode=0755,size=4m") != 0) {
      return failed("mount tmpfs on", root_);
    }
    // Else the copy of the folder that holds it would hold itself.
    if (::mount(nullptr, root_.c_str(), nullptr, MS_UNBINDABLE, nullptr) != 0) {
      return failed("make unbindable", root_);
    }
    kinds_[root_] = Kind::kOurs;
    return mirror("/", root_);
  }

  Status bind(const BindMount& mount) {
    struct stat source {};
    if (::stat(mount.source.c_str(), &source) != 0) return failed("volume", mount.source);
    ASSIGN_OR_RETURN(const std::string target, place(mount.target, S_ISDIR(source.st_mode)));
    if (::mount(mount.source.c_str(), target.c_str(), nullptr, MS_BIND | MS_REC, nullptr) != 0) {
      return failed("bind", mount.target);
    }
    kinds_[target] = Kind::kVolume;
    return mount.read_only ? make_read_only(target) : Status();
  }

 private:
  enum class Kind { kOurs, kVolume, kHost };

  // Of a path below the root that exists: recorded, or as the nearest one above that is; entries of
  // a folder of ours that are not recorded are copies of the host's.
  Kind kind_of(const std::string& path) const {
    if (const auto found = kinds_.find(path); found != kinds_.end()) return found->second;
    for (std::string above = path; above.size() > root_.size();) {
      above.resize(above.rfind('/'));
      const auto found = kinds_.find(above);
      if (found == kinds_.end()) continue;
      return found->second == Kind::kVolume ? Kind::kVolume : Kind::kHost;
    }
    return Kind::kHost;
  }

  // The entries of a folder of the host, each bound into a folder of ours.
  Status mirror(const std::string& from, const std::string& to) {
    DIR* folder = ::opendir(from.c_str());
    if (folder == nullptr) return failed("read", from);
    Status result;
    while (const dirent* entry = ::readdir(folder)) {
      const std::string_view name = entry->d_name;
      if (name == "." || name == "..") continue;
      const std::string base = from == "/" ? "" : from;
      result = mirror_entry(fmt::format("{}/{}", base, name), fmt::format("{}/{}", to, name));
      if (!result.ok()) break;
    }
    ::closedir(folder);
    return result;
  }

  Status mirror_entry(const std::string& from, const std::string& to) {
    struct stat info {};
    if (::lstat(from.c_str(), &info) != 0) return {};  // it went meanwhile
    if (S_ISLNK(info.st_mode)) {
      char target[PATH_MAX];
      const ssize_t size = ::readlink(from.c_str(), target, sizeof target - 1);
      if (size < 0) return {};
      target[size] = '\0';
      return ::symlink(target, to.c_str()) == 0 ? Status() : failed("link", to);
    }
    if (S_ISDIR(info.st_mode)) {
      if (::mkdir(to.c_str(), 0755) != 0) return failed("make", to);
    } else {
      const OwnedFd file(::open(to.c_str(), O_CREAT | O_WRONLY | O_CLOEXEC, 0644));
      if (!file.open()) return failed("make", to);
    }
    if (::mount(from.c_str(), to.c_str(), nullptr, MS_BIND | MS_REC, nullptr) != 0) {
      // A folder that cannot be bound (an odd file system) stays empty.
      return errno == EINVAL || errno == ENOENT ? Status() : failed("bind", from);
    }
    return {};
  }

  // Makes the path below the root, following links as the container will; returns it on the host.
  Result<std::string> place(const std::string& path, bool folder) {
    std::vector<std::string> rest = split(path);
    std::reverse(rest.begin(), rest.end());  // a stack: the next part is at the back
    std::string at = root_;
    int links = 0;
    while (!rest.empty()) {
      const std::string part = std::move(rest.back());
      rest.pop_back();
      if (part == "..") {
        if (at.size() > root_.size()) at.resize(at.rfind('/'));
        continue;
      }
      const std::string next = at + "/" + part;
      struct stat info {};
      if (::lstat(next.c_str(), &info) != 0) {
        RETURN_IF_ERROR(make_entry(at, next, folder || !rest.empty()));
      } else if (S_ISLNK(info.st_mode)) {
        if (++links > 40) return unavailable("{}: too many links", path);
        char target[PATH_MAX];
        const ssize_t size = ::readlink(next.c_str(), target, sizeof target);
        if (size <= 0) return failed("read link", next);
        const std::string_view text(target, static_cast<std::size_t>(size));
        if (text.starts_with('/')) at = root_;
        std::vector<std::string> parts = split(text);
        rest.insert(rest.end(), std::make_move_iterator(parts.rbegin()),
                    std::make_move_iterator(parts.rend()));
        continue;
      }
      at = next;
    }
    return at;
  }

  Status make_entry(const std::string& parent, const std::string& path, bool folder) {
    if (kind_of(parent) == Kind::kHost) {
      // Nothing is made on the host's disk: the folder is replaced by one of ours with its entries.
      const std::string original = parent.substr(root_.size());
      if (::mount("nacelle", parent.c_str(), "tmpfs", 0, "mode=0755,size=4m") != 0) {
        return failed("mount tmpfs on", original);
      }
      kinds_[parent] = Kind::kOurs;
      RETURN_IF_ERROR(mirror(original, parent));
    }
    if (folder) {
      if (::mkdir(path.c_str(), 0755) != 0) return failed("make", path);
    } else {
      const OwnedFd file(::open(path.c_str(), O_CREAT | O_WRONLY | O_CLOEXEC, 0644));
      if (!file.open()) return failed("make", path);
    }
    if (kind_of(parent) == Kind::kOurs && folder) kinds_[path] = Kind::kOurs;
    return {};
  }

  static Status make_read_only(const std::string& path) {
    // Flags that the mount has must stay: a user namespace may not drop them.
    struct statvfs info {};
    unsigned long keep = 0;
    if (::statvfs(path.c_str(), &info) == 0) {
      if ((info.f_flag & ST_NOSUID) != 0) keep |= MS_NOSUID;
      if ((info.f_flag & ST_NODEV) != 0) keep |= MS_NODEV;
      if ((info.f_flag & ST_NOEXEC) != 0) keep |= MS_NOEXEC;
      if ((info.f_flag & ST_NOATIME) != 0) keep |= MS_NOATIME;
      if ((info.f_flag & ST_RELATIME) != 0) keep |= MS_RELATIME;
    }
    if (::mount(nullptr, path.c_str(), nullptr, MS_REMOUNT | MS_BIND | MS_RDONLY | keep, nullptr) !=
        0) {
      return failed("make read-only", path);
    }
    return {};
  }

  static std::vector<std::string> split(std::string_view path) {
    std::vector<std::string> out;
    while (!path.empty()) {
      const std::size_t slash = std::min(path.find('/'), path.size());
      const std::string_view part = path.substr(0, slash);
      if (!part.empty() && part != ".") out.emplace_back(part);
      path.remove_prefix(std::min(slash + 1, path.size()));
    }
    return out;
  }

  std::string root_;
  std::map<std::string, Kind> kinds_;
};

}  // namespace

Status enter_mount_tree(MountMode mode, const std::string& staging, std::vector<BindMount> mounts) {
  if (mode == MountMode::kTranslate) return {};
  RETURN_IF_ERROR(enter_namespaces(mode));
  Tree tree(staging);
  RETURN_IF_ERROR(tree.make());
  // Outer paths first, so that a volume within a volume lies on top.
  std::stable_sort(mounts.begin(), mounts.end(), [](const BindMount& a, const BindMount& b) {
    return std::count(a.target.begin(), a.target.end(), '/') <
           std::count(b.target.begin(), b.target.end(), '/');
  });
  for (const BindMount& mount : mounts) RETURN_IF_ERROR(tree.bind(mount));
  if (::chroot(staging.c_str()) != 0 || ::chdir("/") != 0) return failed("chroot", staging);
  return {};
}

MountMode best_mount_mode() {
  for (const MountMode mode : {MountMode::kPrivate, MountMode::kUser}) {
    const pid_t child = ::fork();
    if (child < 0) return MountMode::kTranslate;
    if (child == 0) {
      if (unshare_mounts(mode == MountMode::kUser) != 0) ::_exit(1);
      ::_exit(::mount(nullptr, "/", nullptr, MS_REC | MS_SLAVE, nullptr) == 0 &&
                      ::mount("nacelle", "/tmp", "tmpfs", 0, "size=4k") == 0
                  ? 0
                  : 1);
    }
    int status = 0;
    if (::waitpid(child, &status, 0) == child && WIFEXITED(status) && WEXITSTATUS(status) == 0) {
      return mode;
    }
  }
  return MountMode::kTranslate;
}

}  // namespace nacelle::control::node
