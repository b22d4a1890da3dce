#include "kernels/threads/plan_threads.h"

#include "base/check.h"
#include "kernels/threads/affinity.h"
#include "kernels/threads/cpu_quota.h"

namespace nacelle::kernels {

Result<ThreadPlan> plan_threads(const ThreadRequest& request) {
  return choose_cpus(read_topology(), allowed_cpus(), read_cpu_quota(), request);
}

std::size_t threads_for_this_process() {
  const Result<ThreadPlan> plan = plan_threads();
  CHECK(plan.ok());  // only lists and nodes that someone names can be refused
  return plan->num_threads();
}

}  // namespace nacelle::kernels
