#include "kernels/threads/cpu_quota.h"

#include <gtest/gtest.h>

#include "kernels/threads/testing/fake_machine.h"

namespace nacelle::kernels {
namespace {

struct Case {
  const char* name;
  std::vector<std::pair<const char*, const char*>> files;
  std::optional<double> quota;
};

const Case kCases[] = {
    {"no cgroup", {}, {}},
    {"version 2, the container's own view",
     {{"proc/self/cgroup", "0::/\n"}, {"sys/fs/cgroup/cpu.max", "250000 100000\n"}},
     2.5},
    {"version 2 without a quota",
     {{"proc/self/cgroup", "0::/\n"}, {"sys/fs/cgroup/cpu.max", "max 100000\n"}},
     {}},
    {"version 2, an ancestor is tighter",
     {{"proc/self/cgroup", "0::/pod/app\n"},
      {"sys/fs/cgroup/pod/cpu.max", "100000 100000\n"},
      {"sys/fs/cgroup/pod/app/cpu.max", "400000 100000\n"}},
     1.0},
    {"version 2, the host's path within a container",
     {{"proc/self/cgroup", "0::/kubepods/pod1/c1\n"}, {"sys/fs/cgroup/cpu.max", "300000 100000\n"}},
     3.0},
    {"no /proc, but a group", {{"sys/fs/cgroup/cpu.max", "50000 100000\n"}}, 0.5},
    {"version 1",
     {{"proc/self/cgroup", "4:memory:/\n3:cpu,cpuacct:/docker/a\n0::/\n"},
      {"sys/fs/cgroup/cpu,cpuacct/docker/a/cpu.cfs_quota_us", "150000\n"},
      {"sys/fs/cgroup/cpu,cpuacct/docker/a/cpu.cfs_period_us", "100000\n"}},
     1.5},
    {"version 1, mounted by one name",
     {{"proc/self/cgroup", "3:cpu,cpuacct:/docker/a\n"},
      {"sys/fs/cgroup/cpu/cpu.cfs_quota_us", "200000\n"},
      {"sys/fs/cgroup/cpu/cpu.cfs_period_us", "50000\n"}},
     4.0},
    {"version 1 without a quota",
     {{"proc/self/cgroup", "1:cpu:/\n"},
      {"sys/fs/cgroup/cpu/cpu.cfs_quota_us", "-1\n"},
      {"sys/fs/cgroup/cpu/cpu.cfs_period_us", "100000\n"}},
     {}},
    {"another controller's group is not ours",
     {{"proc/self/cgroup", "2:cpuacct:/\n1:cpuset:/\n"},
      {"sys/fs/cgroup/cpu/cpu.cfs_quota_us", "100000\n"},
      {"sys/fs/cgroup/cpu/cpu.cfs_period_us", "100000\n"}},
     {}},
    {"text that is no cgroup file",
     {{"proc/self/cgroup", "::\nx\n0:\n0::/a\n"}, {"sys/fs/cgroup/a/cpu.max", "much\n"}},
     {}},
};

TEST(CpuQuota, Cases) {
  for (const Case& item : kCases) {
    SCOPED_TRACE(item.name);
    const FakeRoot root;
    for (const auto& [file, text] : item.files) root.write(file, text);
    EXPECT_EQ(read_cpu_quota(root.path()), item.quota);
  }
}

TEST(CpuQuota, ParsesCpuMax) {
  EXPECT_EQ(parse_cpu_max("200000 100000\n"), 2.0);
  EXPECT_EQ(parse_cpu_max("50000 100000\n"), 0.5);
  EXPECT_EQ(parse_cpu_max("max 100000\n"), std::nullopt);
  EXPECT_EQ(parse_cpu_max(""), std::nullopt);
  EXPECT_EQ(parse_cpu_max("100000"), std::nullopt);
  EXPECT_EQ(parse_cpu_max("100000 0"), std::nullopt);
  EXPECT_EQ(parse_cpu_max("-1 100000"), std::nullopt);
  EXPECT_EQ(parse_cpu_max("nan 100000"), std::nullopt);
}

}  // namespace
}  // namespace nacelle::kernels
