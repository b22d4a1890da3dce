#include "control/local/node/cgroup.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include "base/file.h"

namespace nacelle::control::node {
namespace {

namespace fs = std::filesystem;

// The kernel makes these files with a group; here the test does.
TEST(Cgroup, WritesLimits) {
  const fs::path root = fs::path(::testing::TempDir()) / fmt::format("cgroup_{}", ::getpid());
  const fs::path group = root / "podu" / "c";
  fs::create_directories(group);
  for (const fs::path& file :
       {root / "podu" / "cgroup.subtree_control", group / "memory.max", group / "memory.oom.group",
        group / "cpu.max", group / "cpu.weight"}) {
    ASSERT_TRUE(write_file_atomically(file, "").ok());
  }
  pod::PodSpec spec;
  spec.uid = "u";
  pod::Container container;
  container.name = "c";
  const CgroupRoot cgroups(root);
  const auto written = [&](const char* file) { return *read_file(group / file); };
  ASSERT_TRUE(cgroups.make(spec, container).ok());
  EXPECT_EQ(written("memory.max"), "max");
  EXPECT_EQ(written("cpu.max"), "max 100000");
  EXPECT_EQ(written("cpu.weight"), "1");
  container.limits["memory"] = *Quantity::parse("64Mi");
  container.limits["cpu"] = *Quantity::parse("1500m");
  container.requests["cpu"] = *Quantity::parse("500m");
  ASSERT_TRUE(cgroups.make(spec, container).ok());
  EXPECT_EQ(written("memory.max"), "67108864");
  EXPECT_EQ(written("memory.oom.group"), "1");
  EXPECT_EQ(written("cpu.max"), "150000 100000");
  EXPECT_EQ(written("cpu.weight"), "50");
  fs::remove(group / "memory.max");
  EXPECT_FALSE(cgroups.make(spec, container).ok());
  fs::remove_all(root);
}

}  // namespace
}  // namespace nacelle::control::node
