#include "kernels/threads/affinity.h"

#include <sched.h>

#include <algorithm>
#include <memory>
#include <thread>

namespace nacelle::kernels {
namespace {

// A mask for any CPU below `num_cpus`; the fixed cpu_set_t ends at 1024.
class Mask {
 public:
  explicit Mask(std::size_t num_cpus)
      : set_(CPU_ALLOC(num_cpus)), bytes_(CPU_ALLOC_SIZE(num_cpus)) {
    CPU_ZERO_S(bytes_, set_);
  }
  ~Mask() { CPU_FREE(set_); }
  Mask(const Mask&) = delete;
  Mask& operator=(const Mask&) = delete;

  [[nodiscard]] cpu_set_t* get() const { return set_; }
  [[nodiscard]] std::size_t bytes() const { return bytes_; }

 private:
  cpu_set_t* set_;
  std::size_t bytes_;
};

}  // namespace

CpuList allowed_cpus() {
  // The kernel refuses a mask that is shorter than its own.
  for (std::size_t num_cpus = CPU_SETSIZE; num_cpus <= kMaxCpus; num_cpus *= 4) {
    const Mask mask(num_cpus);
    if (sched_getaffinity(0, mask.bytes(), mask.get()) != 0) continue;
    CpuList list;
    for (std::size_t cpu = 0; cpu < num_cpus; ++cpu) {
      if (CPU_ISSET_S(cpu, mask.bytes(), mask.get())) list.push_back(static_cast<CpuNumber>(cpu));
    }
    if (!list.empty()) return list;
  }
  const unsigned count = std::max(1u, std::thread::hardware_concurrency());
  CpuList list(count);
  for (CpuNumber cpu = 0; cpu < count; ++cpu) list[cpu] = cpu;
  return list;
}

bool bind_this_thread(CpuNumber cpu) {
  const Mask mask(std::size_t{cpu} + 1);
  CPU_SET_S(cpu, mask.bytes(), mask.get());
  return sched_setaffinity(0, mask.bytes(), mask.get()) == 0;
}

}  // namespace nacelle::kernels
