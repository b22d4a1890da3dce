#include "kernels/worker_pool.h"

#include <gtest/gtest.h>
#include <pthread.h>
#include <time.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <map>
#include <mutex>
#include <numeric>
#include <thread>
#include <vector>

#include "kernels/threads/affinity.h"

namespace nacelle::kernels {
namespace {

TEST(WorkerPool, RunsEveryTaskOnce) {
  for (const std::size_t threads : {0, 1, 2, 5}) {
    WorkerPool pool(threads);
    EXPECT_EQ(pool.num_threads(), threads == 0 ? 1 : threads);
    for (const std::size_t tasks : {0, 1, 2, 3, 17, 1000}) {
      std::vector<int> count(tasks, 0);  // plain ints: two threads on one task would be a race
      pool.run(tasks, [&](std::size_t i) { ++count[i]; });
      EXPECT_EQ(count, std::vector<int>(tasks, 1));
    }
  }
}

// Many short jobs in a row: workers of one job meet the next one, and the task object of a job dies
// as soon as run() returns.
TEST(WorkerPool, ShortJobsInARowDoNotMix) {
  WorkerPool pool(4);
  for (std::size_t job = 0; job < 20'000; ++job) {
    const std::size_t tasks = 2 + job % 7;
    std::vector<std::size_t> seen(tasks, 0);
    pool.run(tasks, [&seen, job](std::size_t i) { seen[i] = job + i; });
    for (std::size_t i = 0; i < tasks; ++i) ASSERT_EQ(seen[i], job + i);
  }
}

// The caller stays away for longer than the workers spin, so they sleep and have to be woken.
TEST(WorkerPool, WakesSleepingWorkers) {
  WorkerPool pool(3);
  for (int job = 0; job < 200; ++job) {
    const auto away = std::chrono::steady_clock::now() + std::chrono::microseconds(100 + job);
    while (std::chrono::steady_clock::now() < away) std::this_thread::yield();
    std::atomic<int> sum{0};
    pool.run(50, [&](std::size_t i) { sum += static_cast<int>(i); });
    ASSERT_EQ(sum.load(), 49 * 50 / 2);
  }
}

// Processor time of a thread so far.
std::chrono::nanoseconds time_of(clockid_t clock) {
  timespec time{};
  EXPECT_EQ(clock_gettime(clock, &time), 0);
  return std::chrono::seconds(time.tv_sec) + std::chrono::nanoseconds(time.tv_nsec);
}

// Runs one task on each thread and returns the clocks of those that are not the caller.
std::vector<clockid_t> clocks_of_workers(WorkerPool& pool) {
  std::mutex mutex;
  std::vector<clockid_t> clocks;
  std::atomic<std::size_t> arrived{0};
  const pthread_t caller = pthread_self();
  pool.run(pool.num_threads(), [&](std::size_t) {
    clockid_t clock{};
    if (pthread_equal(pthread_self(), caller) == 0 &&
        pthread_getcpuclockid(pthread_self(), &clock) == 0) {
      const std::lock_guard lock(mutex);
      clocks.push_back(clock);
    }
    ++arrived;
    while (arrived < pool.num_threads()) std::this_thread::yield();
  });
  return clocks;
}

// A worker that span on would take all the time that the machine has to give, here at least some
// tens of milliseconds; one that sleeps takes the 50 us before it does.
TEST(WorkerPool, AnIdlePoolUsesNoProcessorTime) {
  constexpr auto kIdle = std::chrono::milliseconds(250);
  constexpr auto kMost = std::chrono::milliseconds(20);
  WorkerPool pool(4);
  const std::vector<std::byte> memory(1 << 20);
  for (const bool advised : {false, true}) {  // waiting threads may have something to read ahead
    const std::vector<clockid_t> clocks = clocks_of_workers(pool);
    ASSERT_EQ(clocks.size(), 3u);
    if (advised) pool.read_ahead({memory.data(), memory.size() / 4, memory.size() / 4});
    std::chrono::nanoseconds before{}, after{};
    for (const clockid_t clock : clocks) before += time_of(clock);
    std::this_thread::sleep_for(kIdle);
    for (const clockid_t clock : clocks) after += time_of(clock);
    EXPECT_LT(after - before, kMost);
    EXPECT_EQ(clocks_of_workers(pool).size(), 3u) << "all of them wake again";
  }
}

TEST(WorkerPool, AnotherThreadMayTakeOverAsCaller) {
  WorkerPool pool(2);
  for (int turn = 0; turn < 20; ++turn) {
    std::thread caller([&] {
      std::vector<int> count(30, 0);
      pool.run(30, [&](std::size_t i) { ++count[i]; });
      EXPECT_EQ(std::accumulate(count.begin(), count.end(), 0), 30);
    });
    caller.join();
  }
}

TEST(WorkerPool, RangesTileTheCount) {
  for (const std::size_t threads : {1, 3}) {
    WorkerPool pool(threads);
    for (const std::size_t count : {0, 1, 7, 64, 1001}) {
      for (const std::size_t grain : {0, 1, 10, 5000}) {
        std::vector<int> hits(count, 0);
        pool.run_ranges(count, grain, [&](std::size_t begin, std::size_t end) {
          ASSERT_LT(begin, end);
          ASSERT_TRUE(end == count || end - begin >= grain);
          for (std::size_t i = begin; i < end; ++i) ++hits[i];
        });
        EXPECT_EQ(hits, std::vector<int>(count, 1));
      }
    }
  }
}

TEST(WorkerPool, ScratchGrowsAndStaysAligned) {
  WorkerPool pool(1);
  for (const std::size_t size : {10, 1 << 20, 5 << 20, 100}) {
    std::byte* memory = pool.scratch(size);
    EXPECT_EQ(reinterpret_cast<std::uintptr_t>(memory) % 64, 0u);
    memory[size - 1] = std::byte{1};
  }
}

TEST(WorkerPool, ThreadsOfABoundPlanStayOnTheirCpus) {
  const CpuList allowed = allowed_cpus();
  ThreadPlan plan;
  plan.cpus = {allowed.back(), allowed.front(), allowed.back()};
  plan.bound = true;
  WorkerPool pool(plan);
  ASSERT_EQ(pool.num_threads(), 3u);
  std::mutex mutex;
  std::map<std::thread::id, CpuList> seen;
  std::thread([&] {
    pool.bind_caller();
    // Every thread takes one task: each waits for the other two.
    std::atomic<int> arrived{0};
    pool.run(3, [&](std::size_t) {
      {
        const std::lock_guard lock(mutex);
        seen[std::this_thread::get_id()] = allowed_cpus();
      }
      ++arrived;
      while (arrived < 3) std::this_thread::yield();
    });
  }).join();
  std::vector<CpuList> masks;
  for (const auto& [thread, mask] : seen) masks.push_back(mask);
  std::vector<CpuList> expected = {{allowed.back()}, {allowed.front()}, {allowed.back()}};
  std::ranges::sort(masks);
  std::ranges::sort(expected);
  EXPECT_EQ(masks, expected);
}

TEST(WorkerPool, OtherwiseTheyMayRunAnywhere) {
  const CpuList allowed = allowed_cpus();
  ThreadPlan plan;
  plan.cpus = {allowed.front(), allowed.front()};
  WorkerPool pool(plan);
  pool.bind_caller();
  std::atomic<int> arrived{0};
  pool.run(2, [&](std::size_t) {
    EXPECT_EQ(allowed_cpus(), allowed);
    ++arrived;
    while (arrived < 2) std::this_thread::yield();
  });
}

// Advice may point anywhere, change at any time and outlive its memory: tasks still run once each.
TEST(WorkerPool, ReadingAheadOfNonsenseDoesNothing) {
  WorkerPool pool(3);
  for (std::uintptr_t round = 1; round <= 200; ++round) {
    pool.read_ahead({.data = reinterpret_cast<const std::byte*>(round << 40),
                     .task_bytes = round * 4096,
                     .size_bytes = std::size_t{1} << 16});
    std::atomic<std::size_t> sum{0};
    pool.run(round, [&](std::size_t task) { sum += task + 1; });
    ASSERT_EQ(sum, round * (round + 1) / 2);
  }
}

}  // namespace
}  // namespace nacelle::kernels
