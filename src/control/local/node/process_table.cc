#include "control/local/node/process_table.h"

#include <dirent.h>
#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <charconv>
#include <ctime>
#include <memory>
#include <string>

#include "control/local/spawn.h"

namespace nacelle::control::node {
namespace {

constexpr std::int64_t kSecond = 1'000'000'000;

std::int64_t since_boot_ns() {
  timespec now{};
  ::clock_gettime(CLOCK_BOOTTIME, &now);
  return std::int64_t{now.tv_sec} * kSecond + now.tv_nsec;
}

std::int64_t ticks_to_ns(std::int64_t ticks) {
  static const std::int64_t kTick = kSecond / ::sysconf(_SC_CLK_TCK);
  return ticks * kTick;
}

// Field numbers of proc_pid_stat(5), counted from `state`, which is the third.
enum : std::size_t { kParent = 1, kUser = 11, kSystem, kWaitedUser, kWaitedSystem, kStarted = 19 };
constexpr std::size_t kResident = 21;

}  // namespace

std::optional<ProcessTable::Process> ProcessTable::parse(std::string_view stat) {
  // The name in the middle may hold spaces and brackets of its own.
  const std::size_t name_end = stat.rfind(')');
  if (name_end == std::string_view::npos || name_end + 4 > stat.size()) return std::nullopt;
  std::string_view rest = stat.substr(name_end + 2);
  std::array<std::int64_t, kResident + 1> fields{};
  for (std::size_t i = 0; i < fields.size(); ++i) {
    const std::string_view word = rest.substr(0, rest.find(' '));
    if (word.empty()) return std::nullopt;
    if (i > 0) std::from_chars(word.data(), word.data() + word.size(), fields[i]);
    rest.remove_prefix(std::min(word.size() + 1, rest.size()));
  }
  Process out;
  out.parent = static_cast<pid_t>(fields[kParent]);
  out.cpu_ns =
      ticks_to_ns(fields[kUser] + fields[kSystem] + fields[kWaitedUser] + fields[kWaitedSystem]);
  out.started_ns = ticks_to_ns(fields[kStarted]);
  static const std::int64_t kPage = ::sysconf(_SC_PAGESIZE);
  out.memory_bytes = fields[kResident] * kPage;
  return out;
}

ProcessTable ProcessTable::read(const std::filesystem::path& proc) {
  ProcessTable out(since_boot_ns(), std::chrono::system_clock::now());
  const std::unique_ptr<DIR, int (*)(DIR*)> folder(::opendir(proc.c_str()), ::closedir);
  if (folder == nullptr) return out;
  std::array<char, 1024> text{};
  while (const dirent* entry = ::readdir(folder.get())) {
    const std::string_view name = entry->d_name;
    pid_t pid = 0;
    const auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), pid);
    if (error != std::errc() || end != name.data() + name.size()) continue;
    const std::string path = std::string(name) + "/stat";
    const OwnedFd file(::openat(::dirfd(folder.get()), path.c_str(), O_RDONLY | O_CLOEXEC));
    if (!file.open()) continue;
    const ssize_t size = ::read(file.get(), text.data(), text.size());
    if (size <= 0) continue;
    const auto process = parse({text.data(), static_cast<std::size_t>(size)});
    if (process) out.add(pid, *process);
  }
  return out;
}

void ProcessTable::add(pid_t pid, const Process& process) {
  processes_[pid] = process;
  children_[process.parent].push_back(pid);
}

std::optional<ProcessTable::Use> ProcessTable::tree(pid_t root) const {
  const auto top = processes_.find(root);
  if (top == processes_.end()) return std::nullopt;
  Use out{.started_ns = top->second.started_ns};
  std::vector<pid_t> open = {root};
  // Pids that were given anew while they were read might make a circle.
  for (std::size_t seen = 0; !open.empty() && seen < processes_.size(); ++seen) {
    const pid_t pid = open.back();
    open.pop_back();
    const Process& process = processes_.at(pid);
    out.cpu_ns += process.cpu_ns;
    out.memory_bytes += process.memory_bytes;
    const auto children = children_.find(pid);
    if (children == children_.end()) continue;
    open.insert(open.end(), children->second.begin(), children->second.end());
  }
  return out;
}

}  // namespace nacelle::control::node
