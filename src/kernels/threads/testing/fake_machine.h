// fake_machine.h: made-up machines for tests, as values and as files of /sys.
//
// CPUs are numbered as Linux on x86 does: first one thread of every core, package by package and
// node by node, then the second ones.
#pragma once

#include <gtest/gtest.h>
#include <stdlib.h>

#include <algorithm>
#include <filesystem>
#include <string>

#include "base/file.h"
#include "kernels/threads/topology.h"

namespace nacelle::kernels {

struct FakeMachine {
  std::uint32_t packages = 1;
  std::uint32_t nodes_per_package = 1;
  std::uint32_t cores = 1;  // per node; 0 = a machine that does not show itself
  std::uint32_t threads_per_core = 1;
  CpuList offline = {};

  [[nodiscard]] Topology topology() const {
    Topology topology;
    const std::uint32_t all_cores = packages * nodes_per_package * cores;
    for (CpuNumber number = 0; number < all_cores * threads_per_core; ++number) {
      if (contains(offline, number)) continue;
      CpuNumber core = number % all_cores;
      const std::uint32_t node = core / cores;
      while (contains(offline, core)) core += all_cores;
      topology.cpus.push_back(
          {.number = number, .core = core, .package = node / nodes_per_package, .node = node});
    }
    return topology;
  }
};

// A folder that stands for "/" and goes with the object.
class FakeRoot {
 public:
  FakeRoot() {
    std::string name = (std::filesystem::temp_directory_path() / "threads_XXXXXX").string();
    EXPECT_NE(mkdtemp(name.data()), nullptr);
    path_ = name;
  }
  ~FakeRoot() { std::filesystem::remove_all(path_); }
  FakeRoot(const FakeRoot&) = delete;
  FakeRoot& operator=(const FakeRoot&) = delete;

  void write(const std::string& file, const std::string& text) const {
    std::filesystem::create_directories((path_ / file).parent_path());
    EXPECT_TRUE(write_file_atomically(path_ / file, text).ok());
  }

  // The files of /sys that this machine would have. `siblings_file`: its name differs by kernel.
  void write(const FakeMachine& machine,
             const std::string& siblings_file = "core_cpus_list") const {
    const Topology topology = machine.topology();
    CpuList online;
    for (const Cpu& cpu : topology.cpus) {
      online.push_back(cpu.number);
      CpuList siblings;
      CpuList node;
      for (const Cpu& other : topology.cpus) {
        if (other.core == cpu.core) siblings.push_back(other.number);
        if (other.node == cpu.node) node.push_back(other.number);
      }
      const std::string folder =
          "sys/devices/system/cpu/cpu" + std::to_string(cpu.number) + "/topology/";
      write(folder + siblings_file, format_cpu_list(siblings) + "\n");
      write(folder + "physical_package_id", std::to_string(cpu.package) + "\n");
      write("sys/devices/system/node/node" + std::to_string(cpu.node) + "/cpulist",
            format_cpu_list(node) + "\n");
    }
    write("sys/devices/system/cpu/online", format_cpu_list(online) + "\n");
  }

  [[nodiscard]] const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

}  // namespace nacelle::kernels
