#include "control/local/node/usage_meter.h"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <csignal>

#include "net/testing/test_folder.h"

namespace nacelle::control::node {
namespace {

constexpr std::int64_t kSecond = 1'000'000'000;
constexpr std::int64_t kMiB = 1 << 20;

// Seconds since boot.
ProcessTable table_at(std::int64_t second) {
  return {second * kSecond, pod::WallTime(std::chrono::seconds(1'800'000'000 + second))};
}

const RunningContainer kWeb{"uid-1", "web", 0, 10};

TEST(ProcessTable, ReadsTheFieldsBehindAnyName) {
  const std::string tail =
      " S 7 10 10 0 -1 4194304 100 0 0 0 30 20 5 6 20 0 3 0 4200 99999744 512 184467";
  for (const char* name : {"(sh)", "(a b)", "(x) (y))"}) {
    const auto process = ProcessTable::parse(fmt::format("10 {}{}\n", name, tail));
    ASSERT_TRUE(process) << name;
    const std::int64_t tick = kSecond / ::sysconf(_SC_CLK_TCK);
    EXPECT_EQ(process->parent, 7);
    EXPECT_EQ(process->cpu_ns, 61 * tick);
    EXPECT_EQ(process->started_ns, 4200 * tick);
    EXPECT_EQ(process->memory_bytes, 512 * ::sysconf(_SC_PAGESIZE));
  }
  for (const char* text : {"", "10 (sh)", "10 (sh) S 7", "x"}) {
    EXPECT_FALSE(ProcessTable::parse(text)) << text;
  }
}

TEST(ProcessTable, ATreeHasAllBelowItsRoot) {
  ProcessTable table = table_at(0);
  table.add(1, {0, 1, 1, 0});
  table.add(10, {1, 2, 2, 5});
  table.add(11, {10, 4, 4, 6});
  table.add(12, {11, 8, 8, 7});
  table.add(13, {1, 16, 16, 8});
  const auto use = table.tree(10);
  ASSERT_TRUE(use);
  EXPECT_EQ(use->cpu_ns, 14);
  EXPECT_EQ(use->memory_bytes, 14);
  EXPECT_EQ(use->started_ns, 5);
  EXPECT_FALSE(table.tree(99));
  ProcessTable circle = table_at(0);
  circle.add(1, {2, 1, 1, 0});
  circle.add(2, {1, 1, 1, 0});
  EXPECT_TRUE(circle.tree(1));  // and it ends
}

TEST(ProcessTable, SeesThisProcessAndAChild) {
  std::array<int, 2> ready{};
  ASSERT_EQ(::pipe(ready.data()), 0);
  const pid_t child = ::fork();
  if (child == 0) {
    volatile std::uint64_t work = 0;
    const clock_t begin = ::clock();
    while (::clock() - begin < CLOCKS_PER_SEC / 20) work = work + 1;
    (void)!::write(ready[1], "x", 1);
    for (;;) ::pause();
  }
  char word = 0;
  ASSERT_EQ(::read(ready[0], &word, 1), 1);
  const ProcessTable table = ProcessTable::read();
  ::kill(child, SIGKILL);
  ::waitpid(child, nullptr, 0);
  const auto alone = table.tree(child);
  const auto both = table.tree(::getpid());
  ASSERT_TRUE(alone && both);
  EXPECT_GE(alone->cpu_ns, kSecond / 25);
  EXPECT_GT(alone->memory_bytes, 0);
  EXPECT_LE(alone->started_ns, table.boot_ns());
  EXPECT_GE(both->cpu_ns, alone->cpu_ns);
  EXPECT_GT(both->memory_bytes, alone->memory_bytes);
  ::close(ready[0]);
  ::close(ready[1]);
}

TEST(UsageMeter, RatesAreBetweenTheLastTwoSamples) {
  UsageMeter meter;
  const auto sample = [&](std::int64_t second, std::int64_t cpu_ms, std::int64_t memory) {
    ProcessTable table = table_at(second);
    table.add(10, {1, 0, 0, 100 * kSecond});
    table.add(11, {10, cpu_ms * 1'000'000, memory, 101 * kSecond});
    meter.sample(std::array{kWeb}, table);
    return meter.of(kWeb);
  };
  EXPECT_FALSE(meter.of(kWeb));
  auto usage = sample(110, 5000, kMiB);  // since its start, ten seconds ago
  ASSERT_TRUE(usage);
  EXPECT_EQ(usage->cpu_nanocores, kSecond / 2);
  EXPECT_EQ(usage->memory_bytes, kMiB);
  EXPECT_EQ(usage->window, 10s);
  usage = sample(125, 5000 + 30000, 2 * kMiB);
  EXPECT_EQ(usage->cpu_nanocores, 2 * kSecond);
  EXPECT_EQ(usage->memory_bytes, 2 * kMiB);
  EXPECT_EQ(usage->window, 15s);
  EXPECT_EQ(usage->at, pod::WallTime(std::chrono::seconds(1'800'000'125)));
  usage = sample(140, 35000, kMiB);
  EXPECT_EQ(usage->cpu_nanocores, 0);
  usage = sample(155, 34000, kMiB);  // a part of the time is gone
  EXPECT_EQ(usage->cpu_nanocores, 0);
}

TEST(UsageMeter, WhatWasTakenOverHasNoRateAtFirst) {
  UsageMeter meter;
  ProcessTable table = table_at(10'000);
  table.add(10, {1, 9000 * kSecond, kMiB, 100 * kSecond});
  meter.sample(std::array{kWeb}, table);
  EXPECT_FALSE(meter.of(kWeb));
  ProcessTable later = table_at(10'015);
  later.add(10, {1, 9003 * kSecond, kMiB, 100 * kSecond});
  meter.sample(std::array{kWeb}, later);
  ASSERT_TRUE(meter.of(kWeb));
  EXPECT_EQ(meter.of(kWeb)->cpu_nanocores, kSecond / 5);
}

TEST(UsageMeter, ARestartedContainerIsAnotherAndEndedOnesAreForgotten) {
  UsageMeter meter;
  ProcessTable table = table_at(110);
  table.add(10, {1, kSecond, kMiB, 100 * kSecond});
  meter.sample(std::array{kWeb}, table);
  EXPECT_TRUE(meter.of(kWeb));
  const RunningContainer again{"uid-1", "web", 1, 20};
  EXPECT_FALSE(meter.of(again));
  ProcessTable later = table_at(125);
  later.add(20, {1, kSecond, kMiB, 120 * kSecond});
  meter.sample(std::array{again}, later);
  EXPECT_FALSE(meter.of(kWeb));
  ASSERT_TRUE(meter.of(again));
  EXPECT_EQ(meter.of(again)->window, 5s);
  meter.sample(std::array{RunningContainer{"uid-1", "web", 1, 99}}, later);  // its shim is gone
  EXPECT_FALSE(meter.of(again));
}

}  // namespace
}  // namespace nacelle::control::node
