#include "kernels/threads/topology.h"

#include <gtest/gtest.h>

#include "kernels/threads/testing/fake_machine.h"

namespace nacelle::kernels {
namespace {

TEST(Topology, ReadsWhatTheKernelShows) {
  const FakeMachine machines[] = {
      {.cores = 2},
      {.cores = 8, .threads_per_core = 2},
      {.packages = 2, .nodes_per_package = 4, .cores = 4, .threads_per_core = 2},
      {.cores = 4, .offline = {1, 2}},
      {.cores = 2, .threads_per_core = 2, .offline = {0, 3}},
  };
  for (const FakeMachine& machine : machines) {
    for (const char* siblings : {"core_cpus_list", "thread_siblings_list"}) {
      const FakeRoot root;
      root.write(machine, siblings);
      EXPECT_EQ(read_topology(root.path()).cpus, machine.topology().cpus);
    }
  }
}

TEST(Topology, WithoutSysThereIsNone) {
  const FakeRoot root;
  EXPECT_TRUE(read_topology(root.path()).cpus.empty());
  root.write("sys/devices/system/cpu/online", "all of them\n");
  EXPECT_TRUE(read_topology(root.path()).cpus.empty());
}

TEST(Topology, WhatIsNotShownIsOneNodeOfSingleCores) {
  const FakeRoot root;
  root.write("sys/devices/system/cpu/online", "0-1\n");
  root.write("sys/devices/system/cpu/cpu1/topology/core_cpus_list", "5-6\n");  // without itself
  root.write("sys/devices/system/cpu/cpu1/topology/physical_package_id", "-1\n");
  root.write("sys/devices/system/node/node3/cpulist", "x\n");
  root.write("sys/devices/system/node/nodes/cpulist", "0\n");
  EXPECT_EQ(read_topology(root.path()).cpus,
            (std::vector<Cpu>{{.number = 0, .core = 0}, {.number = 1, .core = 1}}));
}

}  // namespace
}  // namespace nacelle::kernels
