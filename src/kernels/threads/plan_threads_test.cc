#include "kernels/threads/plan_threads.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <thread>

#include "kernels/threads/affinity.h"

namespace nacelle::kernels {
namespace {

TEST(PlanThreads, ThisMachine) {
  const auto plan = plan_threads();
  ASSERT_TRUE(plan.ok()) << plan.error().to_string();
  const CpuList allowed = allowed_cpus();
  EXPECT_GE(plan->num_threads(), 1u);
  EXPECT_LE(plan->num_threads(), plan->num_cores);
  for (const CpuNumber cpu : plan->cpus) EXPECT_TRUE(contains(allowed, cpu));
  EXPECT_FALSE(plan->nodes.empty());
  EXPECT_EQ(threads_for_this_process(), plan->num_threads());
}

TEST(Affinity, ABoundThreadMayUseItsCpuOnly) {
  const CpuNumber last = allowed_cpus().back();
  CpuList within;
  std::thread([&] {
    EXPECT_TRUE(bind_this_thread(last));
    within = allowed_cpus();
  }).join();
  EXPECT_EQ(within, CpuList{last});
}

TEST(Affinity, ACpuThatIsNotThereIsRefused) {
  std::thread([] {
    const CpuList before = allowed_cpus();
    EXPECT_FALSE(bind_this_thread(kMaxCpus - 1));
    EXPECT_EQ(allowed_cpus(), before);
  }).join();
}

}  // namespace
}  // namespace nacelle::kernels
