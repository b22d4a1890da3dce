#include "control/local/node/cgroup.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "base/file.h"
#include "control/local/spawn.h"

namespace nacelle::control::node {
namespace {

namespace fs = std::filesystem;

Status write_value(const fs::path& file, std::string_view value) {
  const OwnedFd out(::open(file.c_str(), O_WRONLY | O_CLOEXEC | O_TRUNC));
  if (!out.open() || ::write(out.get(), value.data(), value.size()) < 0) {
    return unavailable("{} = {}: {}", file.string(), value, std::strerror(errno));
  }
  return {};
}

// Mount point of cgroup v2 and our group in it.
Result<fs::path> own_group() {
  ASSIGN_OR_RETURN(const std::string mine, read_file("/proc/self/cgroup", 1 << 16));
  const std::size_t at = mine.starts_with("0::") ? 0 : mine.find("\n0::");
  if (at == std::string::npos) return unavailable("this machine has no cgroup v2");
  std::string_view path = std::string_view(mine).substr(mine.find("::", at) + 2);
  path = path.substr(0, path.find('\n'));
  ASSIGN_OR_RETURN(const std::string mounts, read_file("/proc/self/mounts", 1 << 20));
  for (std::string_view rest = mounts; !rest.empty();) {
    const std::string_view line = rest.substr(0, rest.find('\n'));
    rest.remove_prefix(std::min(line.size() + 1, rest.size()));
    const std::size_t begin = line.find(' ') + 1;
    const std::size_t end = line.find(' ', begin);
    if (end == std::string_view::npos || !line.substr(end + 1).starts_with("cgroup2 ")) continue;
    return fs::path(line.substr(begin, end - begin)) /
           path.substr(std::min<std::size_t>(1, path.size()));
  }
  return unavailable("cgroup v2 is not mounted");
}

bool has_controllers(const fs::path& group) {
  const Result<std::string> list = read_file(group / "cgroup.controllers", 4096);
  return list.ok() && list->find("memory") != std::string::npos &&
         list->find("cpu") != std::string::npos;
}

Status make_folder(const fs::path& folder) {
  std::error_code error;
  fs::create_directory(folder, error);
  if (error) return unavailable("{}: {}", folder.string(), error.message());
  return {};
}

}  // namespace

Result<CgroupRoot> CgroupRoot::detect(std::string_view name) {
  ASSIGN_OR_RETURN(const fs::path own, own_group());
  if (!has_controllers(own)) {
    return unavailable("cgroup {} has no memory and cpu controllers", own.string());
  }
  const fs::path leaf = own / fmt::format("{}-agent", name);
  const fs::path pods = own / fmt::format("{}-pods", name);
  RETURN_IF_ERROR(make_folder(leaf));
  RETURN_IF_ERROR(write_value(leaf / "cgroup.procs", "0"));
  RETURN_IF_ERROR(write_value(own / "cgroup.subtree_control", "+memory +cpu +pids"));
  RETURN_IF_ERROR(make_folder(pods));
  RETURN_IF_ERROR(write_value(pods / "cgroup.subtree_control", "+memory +cpu +pids"));
  return CgroupRoot(pods);
}

Result<fs::path> CgroupRoot::make(const pod::PodSpec& spec, const pod::Container& container) const {
  const fs::path pod = folder_ / ("pod" + spec.uid);
  const fs::path group = pod / container.name;
  RETURN_IF_ERROR(make_folder(pod));
  RETURN_IF_ERROR(write_value(pod / "cgroup.subtree_control", "+memory +cpu +pids"));
  RETURN_IF_ERROR(make_folder(group));
  const auto limit = [&](const char* name) {
    const auto found = container.limits.find(name);
    return found == container.limits.end() ? Quantity() : found->second;
  };
  const Quantity memory = limit("memory");
  RETURN_IF_ERROR(write_value(group / "memory.max",
                              memory > Quantity() ? std::to_string(memory.value()) : "max"));
  // All of a container dies for one of its processes, so that it is seen as one end.
  RETURN_IF_ERROR(write_value(group / "memory.oom.group", "1"));
  const Quantity cpu = limit("cpu");
  RETURN_IF_ERROR(write_value(
      group / "cpu.max",
      cpu > Quantity() ? fmt::format("{} 100000", std::max<std::int64_t>(cpu.milli() * 100, 1000))
                       : "max 100000"));
  const auto request = container.requests.find("cpu");
  const std::int64_t milli = request == container.requests.end() ? 0 : request->second.milli();
  // 1024 shares of old are weight 100: as Kubernetes maps them.
  const std::int64_t weight = std::clamp<std::int64_t>(milli * 100 / 1000, 1, 10000);
  RETURN_IF_ERROR(write_value(group / "cpu.weight", std::to_string(weight)));
  return group;
}

void CgroupRoot::remove(const std::string& uid) const {
  const fs::path pod = folder_ / ("pod" + uid);
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(pod, error)) {
    if (entry.is_directory(error)) ::rmdir(entry.path().c_str());
  }
  ::rmdir(pod.c_str());
}

}  // namespace nacelle::control::node
