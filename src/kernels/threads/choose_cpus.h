// choose_cpus.h: decides how many kernel threads run, on which CPUs, and whether they stay there.
//
// One thread per physical core, as many as the quota pays for, filled node by node. Kernels use all
// of them; the network loop and the work pool have no CPU of their own: they run for microseconds
// between steps, and a core left to them would idle for most of the time.
//
// Threads are bound only where that gains something and harms nobody:
//   - not on a machine of one node without SMT: every choice of CPUs is as good as another, the
//     scheduler moves a thread off a CPU that something else uses, a bound thread waits for it;
//   - not when the process uses a part of the CPUs that it may use (a quota, a smaller --threads):
//     several such processes would all choose the same ones.
//
// Home:    any thread; pure.
// Errors:  invalid_argument when a list of CPUs names some that the process may not use.
#pragma once

#include <cstddef>
#include <optional>

#include "base/result.h"
#include "kernels/threads/cpu_list.h"
#include "kernels/threads/topology.h"

namespace nacelle::kernels {

enum class ThreadBinding {
  kAuto,  // bound where it helps
  kNone,  // never bound
  kList,  // bound to `ThreadRequest::list`
};

// What the operator asked for.
struct ThreadRequest {
  std::size_t num_threads = 0;  // 0 = as many as there are cores
  ThreadBinding binding = ThreadBinding::kAuto;
  CpuList list;
  std::size_t num_reserved_cores = 0;  // left out when num_threads is 0
  std::optional<CpuList> nodes;        // the only ones used; nullopt = all
};

struct ThreadPlan {
  // One per thread, the caller's first. A hint of how many and where unless `bound`.
  std::vector<CpuNumber> cpus;
  bool bound = false;
  std::size_t num_cores = 0;      // physical cores that the process may use
  CpuList nodes;                  // where the threads may run: memory is spread over these
  std::optional<double> quota;    // CPUs, as given
  bool fewer_than_asked = false;  // num_threads was above the quota or the CPUs there are

  [[nodiscard]] std::size_t num_threads() const { return cpus.size(); }
};

// `allowed` is the process's affinity mask, not empty.
[[nodiscard]] Result<ThreadPlan> choose_cpus(const Topology& topology, const CpuList& allowed,
                                             std::optional<double> quota,
                                             const ThreadRequest& request);

}  // namespace nacelle::kernels
