#include "model/machine_memory.h"

#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <limits>

#include "base/file.h"

namespace nacelle::model {
namespace {

constexpr double kGiB = 1024.0 * 1024.0 * 1024.0;

}  // namespace

std::optional<std::uint64_t> parse_memory_max(std::string_view text) {
  while (!text.empty() && (text.back() == '\n' || text.back() == ' ')) text.remove_suffix(1);
  std::uint64_t bytes = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), bytes);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return bytes;
}

std::uint64_t machine_memory_bytes() {
  const long pages = ::sysconf(_SC_PHYS_PAGES);
  const long page_bytes = ::sysconf(_SC_PAGESIZE);
  std::uint64_t bytes = pages > 0 && page_bytes > 0 ? static_cast<std::uint64_t>(pages) *
                                                          static_cast<std::uint64_t>(page_bytes)
                                                    : std::numeric_limits<std::uint64_t>::max();
  if (const Result<std::string> text = read_file("/sys/fs/cgroup/memory.max", 4096); text) {
    bytes = std::min(bytes, parse_memory_max(*text).value_or(bytes));
  }
  return bytes;
}

Status check_fits_memory(std::string_view what, double needed_bytes) {
  const auto available = static_cast<double>(machine_memory_bytes());
  if (needed_bytes <= available) return {};
  return resource_exhausted("{} need {:.1f} GiB of memory, this machine has {:.1f} GiB", what,
                            needed_bytes / kGiB, available / kGiB);
}

}  // namespace nacelle::model
