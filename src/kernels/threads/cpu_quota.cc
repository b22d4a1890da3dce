#include "kernels/threads/cpu_quota.h"

#include <algorithm>
#include <charconv>
#include <string>

#include "base/file.h"

namespace nacelle::kernels {
namespace {

namespace fs = std::filesystem;
constexpr std::size_t kMaxFileBytes = std::size_t{1} << 16;

std::optional<double> number_in(const fs::path& file) {
  const auto text = read_file(file, kMaxFileBytes);
  double value = 0;
  if (!text) return std::nullopt;
  const auto result = std::from_chars(text->data(), text->data() + text->size(), value);
  return result.ec == std::errc() ? std::optional(value) : std::nullopt;
}

std::optional<double> quota_v2(const fs::path& group) {
  const auto text = read_file(group / "cpu.max", kMaxFileBytes);
  return text ? parse_cpu_max(*text) : std::nullopt;
}

std::optional<double> quota_v1(const fs::path& group) {
  const auto quota = number_in(group / "cpu.cfs_quota_us");  // -1 = none
  const auto period = number_in(group / "cpu.cfs_period_us");
  if (!quota || !period || !(*quota > 0) || !(*period > 0)) return std::nullopt;
  return *quota / *period;
}

// The smallest quota of `group` (a path below `mount`) and its ancestors up to the mount. A
// container may name a group of its host that its own mount does not show; the mount then is the
// container's group.
template <class QuotaOf>
void lower_to(const fs::path& mount, std::string_view group, QuotaOf&& quota_of,
              std::optional<double>& lowest) {
  const auto look = [&](const fs::path& folder) {
    const std::optional<double> quota = quota_of(folder);
    if (quota && (!lowest || *quota < *lowest)) lowest = quota;
  };
  look(mount);
  for (std::size_t end = 1; end < group.size(); ++end) {
    end = std::min(group.find('/', end), group.size());
    look(mount / group.substr(1, end - 1));
  }
}

bool has_item(std::string_view list, std::string_view item) {
  while (!list.empty()) {
    const std::size_t comma = std::min(list.find(','), list.size());
    if (list.substr(0, comma) == item) return true;
    list.remove_prefix(std::min(comma + 1, list.size()));
  }
  return false;
}

}  // namespace

std::optional<double> read_cpu_quota(const fs::path& root) {
  const fs::path mounts = root / "sys/fs/cgroup";
  std::optional<double> lowest;
  const auto text = read_file(root / "proc/self/cgroup", kMaxFileBytes);
  std::string_view lines = text ? std::string_view(*text) : std::string_view();
  if (lines.empty()) lower_to(mounts, "/", quota_v2, lowest);
  while (!lines.empty()) {  // "0::/group" (v2), "4:cpu,cpuacct:/group" (v1)
    const std::string_view line = lines.substr(0, lines.find('\n'));
    lines.remove_prefix(std::min(line.size() + 1, lines.size()));
    const std::size_t first = line.find(':');
    const std::size_t second = line.find(':', first + 1);
    if (first == line.npos || second == line.npos) continue;
    const std::string_view controllers = line.substr(first + 1, second - first - 1);
    const std::string_view group = line.substr(second + 1);
    if (controllers.empty()) {
      lower_to(mounts, group, quota_v2, lowest);
    } else if (has_item(controllers, "cpu")) {
      lower_to(mounts / controllers, group, quota_v1, lowest);
      if (controllers != "cpu") lower_to(mounts / "cpu", group, quota_v1, lowest);
    }
  }
  return lowest;
}

std::optional<double> parse_cpu_max(std::string_view text) {
  double quota = 0;
  double period = 0;
  const char* end = text.data() + text.size();
  const auto first = std::from_chars(text.data(), end, quota);
  if (first.ec != std::errc() || first.ptr == end || *first.ptr != ' ') return std::nullopt;
  const auto second = std::from_chars(first.ptr + 1, end, period);
  if (second.ec != std::errc() || !(quota > 0) || !(period > 0)) return std::nullopt;
  return quota / period;
}

}  // namespace nacelle::kernels
