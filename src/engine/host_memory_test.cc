#include "engine/host_memory.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdlib>

#include "base/file.h"

namespace nacelle::engine {
namespace {

// A small /proc and /sys in a folder of its own.
class FakeRoot {
 public:
  FakeRoot() {
    std::string name = (std::filesystem::temp_directory_path() / "host_memory_XXXXXX").string();
    EXPECT_NE(mkdtemp(name.data()), nullptr);
    path_ = name;
  }
  ~FakeRoot() { std::filesystem::remove_all(path_); }
  void write(const std::string& file, const std::string& text) {
    std::filesystem::create_directories((path_ / file).parent_path());
    EXPECT_TRUE(write_file_atomically(path_ / file, text).ok());
  }
  [[nodiscard]] const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

constexpr const char* kMeminfo =
    "MemTotal:       16000 kB\nMemFree:          500 kB\nMemAvailable:   12000 kB\n";

TEST(HostMemory, MachineFiguresWithoutACgroup) {
  FakeRoot root;
  root.write("proc/meminfo", kMeminfo);
  root.write("proc/self/status", "Name:\tx\nVmRSS:\t    700 kB\n");
  const auto memory = read_host_memory(root.path());
  ASSERT_TRUE(memory.ok());
  EXPECT_EQ(memory->total_bytes, 16000u * 1024);
  EXPECT_EQ(memory->available_bytes, 12000u * 1024);
  EXPECT_EQ(memory->used_bytes, 700u * 1024);
}

TEST(HostMemory, MappedWeightsAreNoCacheToBeGivenUp) {
  FakeRoot root;
  root.write("proc/meminfo", kMeminfo);
  root.write("proc/self/status", "VmRSS:\t    700 kB\nRssFile:\t    500 kB\n");
  EXPECT_EQ(read_host_memory(root.path())->available_bytes, 11500u * 1024);

  root.write("proc/self/status", "VmRSS:\t    700 kB\n");
  root.write("sys/fs/cgroup/memory.max", "8000000\n");
  root.write("sys/fs/cgroup/memory.current", "5000000\n");
  const std::string stat = "anon 1\nfile 2500000\nfile_mapped 2100000\ninactive_file 2000000\n";
  root.write("sys/fs/cgroup/memory.stat", stat);
  EXPECT_EQ(read_host_memory(root.path())->available_bytes, 8000000u - 4600000u);
}

TEST(HostMemory, TheTightestCgroupOfThePathCounts) {
  FakeRoot root;
  root.write("proc/meminfo", kMeminfo);
  root.write("proc/self/cgroup", "12:cpu:/old\n0::/pod/container\n");
  root.write("sys/fs/cgroup/pod/memory.max", "8192000\n");
  root.write("sys/fs/cgroup/pod/memory.current", "5000000\n");
  root.write("sys/fs/cgroup/pod/memory.stat", "anon 1\ninactive_file 2000000\n");
  root.write("sys/fs/cgroup/pod/container/memory.max", "max\n");
  const auto memory = read_host_memory(root.path());
  ASSERT_TRUE(memory.ok());
  EXPECT_EQ(memory->total_bytes, 8192000u);
  EXPECT_EQ(memory->available_bytes, 8192000u - 3000000u);
}

TEST(HostMemory, LimitAtTheMountAsContainersSeeIt) {
  FakeRoot root;
  root.write("proc/meminfo", kMeminfo);
  root.write("proc/self/cgroup", "0::/\n");
  root.write("sys/fs/cgroup/memory.max", "1000000\n");
  root.write("sys/fs/cgroup/memory.current", "2000000\n");
  const auto memory = read_host_memory(root.path());
  ASSERT_TRUE(memory.ok());
  EXPECT_EQ(memory->total_bytes, 1000000u);
  EXPECT_EQ(memory->available_bytes, 0u);
}

TEST(HostMemory, UnreadableFilesAreAnError) {
  FakeRoot root;
  EXPECT_FALSE(read_host_memory(root.path()).ok());
  root.write("proc/meminfo", "MemTotal: many kB\n");
  EXPECT_EQ(read_host_memory(root.path()).error().code(), Code::kUnavailable);
}

TEST(HostMemory, ThisMachine) {
  const auto memory = read_host_memory();
  ASSERT_TRUE(memory.ok()) << memory.error().to_string();
  EXPECT_GT(memory->total_bytes, memory->used_bytes);
  EXPECT_GT(memory->used_bytes, 0u);
}

}  // namespace
}  // namespace nacelle::engine
