#include "kernels/threads/topology.h"

#include <algorithm>
#include <charconv>
#include <string>
#include <system_error>

#include "base/file.h"

namespace nacelle::kernels {
namespace {

namespace fs = std::filesystem;
constexpr std::size_t kMaxFileBytes = std::size_t{1} << 16;

CpuList list_in(const fs::path& file) {
  const auto text = read_file(file, kMaxFileBytes);
  return text ? parse_cpu_list(*text).value_or(CpuList{}) : CpuList{};
}

// 0 where there is no such number: a missing file, or -1 from firmware that does not say.
std::uint32_t number_in(const fs::path& file) {
  std::uint32_t value = 0;
  if (const auto text = read_file(file, kMaxFileBytes); text) {
    const auto end = text->data() + text->size();
    if (std::from_chars(text->data(), end, value).ec != std::errc()) return 0;
  }
  return value;
}

CpuNumber core_of(const fs::path& topology, CpuNumber cpu) {
  CpuList siblings = list_in(topology / "core_cpus_list");
  if (siblings.empty()) siblings = list_in(topology / "thread_siblings_list");  // before Linux 5.3
  return contains(siblings, cpu) ? siblings.front() : cpu;
}

void read_nodes(const fs::path& folder, Topology& topology) {
  std::error_code error;
  for (fs::directory_iterator it(folder, error), end; !error && it != end; it.increment(error)) {
    const std::string name = it->path().filename().string();
    if (!name.starts_with("node")) continue;
    const auto node = parse_cpu_list(std::string_view(name).substr(4));
    if (!node || node->size() != 1) continue;
    const CpuList members = list_in(it->path() / "cpulist");
    for (Cpu& cpu : topology.cpus) {
      if (contains(members, cpu.number)) cpu.node = node->front();
    }
  }
}

}  // namespace

Topology read_topology(const fs::path& root) {
  Topology topology;
  const fs::path cpus = root / "sys/devices/system/cpu";
  for (const CpuNumber number : list_in(cpus / "online")) {
    const fs::path folder = cpus / ("cpu" + std::to_string(number)) / "topology";
    topology.cpus.push_back({.number = number,
                             .core = core_of(folder, number),
                             .package = number_in(folder / "physical_package_id")});
  }
  read_nodes(root / "sys/devices/system/node", topology);
  return topology;
}

}  // namespace nacelle::kernels
