#include "kernels/threads/numa_memory.h"

#include <gtest/gtest.h>
#include <linux/mempolicy.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <thread>

namespace nacelle::kernels {
namespace {

using Words = std::vector<unsigned long>;

TEST(NumaMemory, MaskHasABitPerNode) {
  EXPECT_EQ(node_mask({}), Words{});
  EXPECT_EQ(node_mask({0}), Words{1});
  EXPECT_EQ(node_mask({1, 3}), Words{0b1010});
  EXPECT_EQ(node_mask({63}), Words{1UL << 63});
  EXPECT_EQ(node_mask({0, 64, 130}), (Words{1, 1, 4}));
}

TEST(NumaMemory, OneNodeKeepsTheDefault) {
  std::thread([] {
    EXPECT_FALSE(interleave_memory({}));
    EXPECT_FALSE(interleave_memory({0}));
    int policy = -1;
    if (syscall(SYS_get_mempolicy, &policy, nullptr, 0, nullptr, 0) == 0) {
      EXPECT_EQ(policy, MPOL_DEFAULT);
    }
  }).join();
}

// The system keeps those of the nodes that exist: node 0 on a machine of one.
TEST(NumaMemory, SeveralNodesAlternateWhereTheSystemLetsThem) {
  std::thread([] {
    if (!interleave_memory({0, 1})) GTEST_SKIP() << "no NUMA policies here";
    int policy = -1;
    Words mask(64);
    ASSERT_EQ(syscall(SYS_get_mempolicy, &policy, mask.data(), mask.size() * 64, nullptr, 0), 0);
    EXPECT_EQ(policy, MPOL_INTERLEAVE);
    EXPECT_EQ(mask[0] & 1, 1UL);
  }).join();
}

}  // namespace
}  // namespace nacelle::kernels
