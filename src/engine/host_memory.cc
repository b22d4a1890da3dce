#include "engine/host_memory.h"

#include <algorithm>
#include <charconv>
#include <optional>
#include <string>
#include <string_view>

#include "base/file.h"

namespace nacelle::engine {
namespace {

namespace fs = std::filesystem;
constexpr std::size_t kMaxFileBytes = std::size_t{1} << 20;

// The first number of `text` after leading blanks; nullopt for "max" and anything else.
std::optional<std::uint64_t> leading_number(std::string_view text) {
  text.remove_prefix(std::min(text.find_first_not_of(" \t"), text.size()));
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  return error == std::errc() ? std::optional(value) : std::nullopt;
}

// The number after `key` at the start of a line: "MemTotal:   16384 kB", "inactive_file 4096".
std::optional<std::uint64_t> number_after(std::string_view text, std::string_view key) {
  for (std::size_t begin = 0; begin < text.size();) {
    const std::string_view line = text.substr(begin, text.find('\n', begin) - begin);
    if (line.starts_with(key)) return leading_number(line.substr(key.size()));
    begin += line.size() + 1;
  }
  return std::nullopt;
}

std::optional<std::uint64_t> number_in(const fs::path& file) {
  const auto text = read_file(file, kMaxFileBytes);
  return text ? leading_number(*text) : std::nullopt;
}

void apply_cgroup(const fs::path& folder, HostMemory& memory) {
  const auto limit = number_in(folder / "memory.max");
  if (!limit) return;
  memory.total_bytes = std::min(memory.total_bytes, *limit);
  const std::uint64_t current = number_in(folder / "memory.current").value_or(0);
  const auto stat = read_file(folder / "memory.stat", kMaxFileBytes);
  // File pages that were not used lately are given up before anything fails.
  std::uint64_t reclaimable = stat ? number_after(*stat, "inactive_file ").value_or(0) : 0;
  // Mapped ones are in use: packed weights of this process or of another replica.
  if (const auto file = stat ? number_after(*stat, "file ") : std::nullopt) {
    const std::uint64_t mapped = number_after(*stat, "file_mapped ").value_or(0);
    reclaimable = std::min(reclaimable, *file > mapped ? *file - mapped : 0);
  }
  const std::uint64_t held = current > reclaimable ? current - reclaimable : 0;
  memory.available_bytes = std::min(memory.available_bytes, *limit > held ? *limit - held : 0);
}

// The path in the line "0::/a/b" of /proc/self/cgroup; "" when there is none.
std::string cgroup_path(const fs::path& root) {
  const auto text = read_file(root / "proc/self/cgroup", kMaxFileBytes);
  if (!text) return "";
  for (std::size_t begin = 0; begin < text->size();) {
    const std::size_t end = std::min(text->find('\n', begin), text->size());
    const std::string_view line = std::string_view(*text).substr(begin, end - begin);
    if (line.starts_with("0::/")) return std::string(line.substr(4));
    begin = end + 1;
  }
  return "";
}

}  // namespace

Result<HostMemory> read_host_memory(const fs::path& root) {
  ASSIGN_OR_RETURN(const std::string meminfo, read_file(root / "proc/meminfo", kMaxFileBytes));
  const auto total_kib = number_after(meminfo, "MemTotal:");
  const auto available_kib = number_after(meminfo, "MemAvailable:");
  if (!total_kib || !available_kib) {
    return unavailable("/proc/meminfo has no MemTotal or no MemAvailable");
  }
  HostMemory memory{.total_bytes = *total_kib * 1024, .available_bytes = *available_kib * 1024};
  const auto status = read_file(root / "proc/self/status", kMaxFileBytes);
  if (status) {
    memory.used_bytes = number_after(*status, "VmRSS:").value_or(0) * 1024;
    // MemAvailable counts the pages of mapped weights, which must stay.
    const std::uint64_t mapped = number_after(*status, "RssFile:").value_or(0) * 1024;
    memory.available_bytes -= std::min(memory.available_bytes, mapped);
  }

  const fs::path mount = root / "sys/fs/cgroup";
  fs::path folder = mount / cgroup_path(root);
  for (; folder != mount && folder.has_relative_path(); folder = folder.parent_path()) {
    apply_cgroup(folder, memory);
  }
  apply_cgroup(mount, memory);
  return memory;
}

}  // namespace nacelle::engine
