#include "kernels/threads/choose_cpus.h"

#include <algorithm>
#include <map>
#include <set>
#include <tuple>
#include <utility>

#include "base/check.h"

namespace nacelle::kernels {
namespace {

// The CPUs of one physical core that may be used.
using Core = std::vector<Cpu>;

std::vector<Cpu> usable_cpus(const Topology& topology, const CpuList& allowed) {
  std::vector<Cpu> cpus;
  for (const Cpu& cpu : topology.cpus) {
    if (contains(allowed, cpu.number)) cpus.push_back(cpu);
  }
  if (!cpus.empty()) return cpus;
  // Nothing is known of them: each counts as a core.
  for (const CpuNumber number : allowed) cpus.push_back({.number = number, .core = number});
  return cpus;
}

// Whether it makes a difference which of the CPUs threads run on.
bool placement_matters(const std::vector<Cpu>& cpus) {
  std::set<CpuNumber> cores;
  for (const Cpu& cpu : cpus) {
    if (cpu.node != cpus.front().node || !cores.insert(cpu.core).second) return true;
  }
  return false;
}

// By node, in the order in which nodes are filled: the largest first, so that the fewest hold the
// threads; then the package that is in use already; then by number.
std::vector<std::vector<Core>> cores_by_node(const std::vector<Cpu>& cpus) {
  std::map<std::pair<std::uint32_t, std::uint32_t>, std::map<CpuNumber, Core>> rest;
  for (const Cpu& cpu : cpus) rest[{cpu.package, cpu.node}][cpu.core].push_back(cpu);
  std::vector<std::vector<Core>> nodes;
  std::set<std::uint32_t> packages;
  while (!rest.empty()) {
    const auto rank = [&](const auto& entry) {
      return std::tuple(entry.second.size(), packages.contains(entry.first.first));
    };
    const auto next = std::max_element(rest.begin(), rest.end(), [&](const auto& a, const auto& b) {
      return rank(a) < rank(b);  // of equals the first: the lowest numbers
    });
    packages.insert(next->first.first);
    nodes.emplace_back();
    for (auto& [number, core] : next->second) nodes.back().push_back(std::move(core));
    rest.erase(next);
  }
  return nodes;
}

// First CPUs of the cores, node by node; then second ones, for who asks for more threads than
// cores.
std::vector<CpuNumber> order_of_use(const std::vector<std::vector<Core>>& nodes) {
  std::vector<CpuNumber> order;
  bool any = true;
  for (std::size_t sibling = 0; any; ++sibling) {
    any = false;
    for (const auto& cores : nodes) {
      for (const Core& core : cores) {
        if (sibling >= core.size()) continue;
        order.push_back(core[sibling].number);
        any = true;
      }
    }
  }
  return order;
}

// Rounded down, at least one.
std::size_t whole_cpus(std::optional<double> quota) {
  if (!quota || *quota >= kMaxCpus) return kMaxCpus;
  return std::max<std::size_t>(1, static_cast<std::size_t>(*quota));
}

CpuList nodes_of(const std::vector<Cpu>& cpus, const std::vector<CpuNumber>& among) {
  std::set<CpuNumber> nodes;
  for (const Cpu& cpu : cpus) {
    if (std::ranges::find(among, cpu.number) != among.end()) nodes.insert(cpu.node);
  }
  return {nodes.begin(), nodes.end()};
}

Status check_list(const CpuList& list, const CpuList& allowed) {
  if (list.empty()) return invalid_argument("the list of CPUs to bind threads to is empty");
  if (std::ranges::includes(allowed, list)) return {};
  return invalid_argument("threads cannot be bound to the CPUs {}: this process may use {}",
                          format_cpu_list(list), format_cpu_list(allowed));
}

}  // namespace

Result<ThreadPlan> choose_cpus(const Topology& topology, const CpuList& allowed,
                               std::optional<double> quota, const ThreadRequest& request) {
  CHECK(!allowed.empty());
  std::vector<Cpu> cpus = usable_cpus(topology, allowed);
  const bool gains = placement_matters(cpus);
  const bool by_list = request.binding == ThreadBinding::kList;
  if (by_list) {
    RETURN_IF_ERROR(check_list(request.list, allowed));
    std::erase_if(cpus, [&](const Cpu& cpu) { return !contains(request.list, cpu.number); });
  }
  if (request.nodes) {
    std::erase_if(cpus, [&](const Cpu& cpu) { return !contains(*request.nodes, cpu.node); });
  }
  if (cpus.empty()) return invalid_argument("no CPU is left for the kernels' threads");

  ThreadPlan plan;
  plan.quota = quota;
  const std::vector<std::vector<Core>> nodes = cores_by_node(cpus);
  for (const auto& cores : nodes) plan.num_cores += cores.size();
  const std::vector<CpuNumber> order = order_of_use(nodes);
  const std::size_t own =
      by_list ? order.size()
              : plan.num_cores - std::min(request.num_reserved_cores, plan.num_cores - 1);
  const std::size_t wanted = request.num_threads > 0 ? request.num_threads : own;
  const std::size_t limit = std::min(whole_cpus(quota), order.size());
  plan.fewer_than_asked = request.num_threads > limit;
  plan.cpus.assign(order.begin(),
                   order.begin() + static_cast<std::ptrdiff_t>(std::min(wanted, limit)));

  const bool fills = plan.num_threads() == own;
  plan.bound = by_list || (request.binding == ThreadBinding::kAuto && gains && fills);
  plan.nodes = nodes_of(cpus, plan.bound ? plan.cpus : order);
  return plan;
}

}  // namespace nacelle::kernels
