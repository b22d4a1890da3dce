#include "kube/work_queue.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <vector>

#include "async/runtime.h"
#include "async/task_scope.h"

namespace nacelle::kube {
namespace {

// The rules of the queue in the words of their definition, with lists and searches.
class SlowQueue {
 public:
  void add(int key) {
    if (has(dirty_, key)) return;
    dirty_.push_back(key);
    if (!has(processing_, key)) ready_.push_back(key);
  }
  void add_at(int key, TimePoint when) {
    const auto same = std::find_if(waiting_.begin(), waiting_.end(),
                                   [&](const auto& entry) { return entry.second == key; });
    if (same != waiting_.end()) {
      if (same->first <= when) return;
      waiting_.erase(same);
    }
    waiting_.emplace_back(when, key);
  }
  std::optional<int> take(TimePoint now) {
    for (;;) {
      const auto first =
          std::min_element(waiting_.begin(), waiting_.end(),
                           [](const auto& a, const auto& b) { return a.first < b.first; });
      if (first == waiting_.end() || first->first > now) break;
      const int key = first->second;
      waiting_.erase(first);
      add(key);
    }
    if (ready_.empty()) return std::nullopt;
    const int key = ready_.front();
    ready_.erase(ready_.begin());
    std::erase(dirty_, key);
    processing_.push_back(key);
    return key;
  }
  void done(int key) {
    std::erase(processing_, key);
    if (has(dirty_, key)) ready_.push_back(key);
  }
  [[nodiscard]] std::optional<TimePoint> next_due() const {
    std::optional<TimePoint> out;
    for (const auto& [when, key] : waiting_) out = std::min(out.value_or(when), when);
    return out;
  }

 private:
  static bool has(const std::vector<int>& list, int key) {
    return std::find(list.begin(), list.end(), key) != list.end();
  }
  std::vector<int> ready_, dirty_, processing_;
  std::vector<std::pair<TimePoint, int>> waiting_;
};

TEST(WorkQueueState, EqualsItsDefinition) {
  const unsigned seed = std::random_device{}();
  SCOPED_TRACE(seed);
  std::mt19937 random(seed);
  for (int round = 0; round < 50; ++round) {
    WorkQueueState<int> queue;
    SlowQueue slow;
    TimePoint now{std::chrono::hours(1)};
    std::vector<int> held;
    for (int step = 0; step < 400; ++step) {
      const int key = static_cast<int>(random() % 6);
      switch (random() % 6) {
        case 0:
          queue.add(key);
          slow.add(key);
          break;
        case 1: {
          const TimePoint when = now + std::chrono::milliseconds(random() % 50);
          queue.add_at(key, when);
          slow.add_at(key, when);
          break;
        }
        case 2:
          slow.add_at(key, now + queue.add_rate_limited(key, now));
          if (random() % 4 == 0) queue.forget(key);
          break;
        case 3:
          now += std::chrono::milliseconds(random() % 30);
          break;
        case 4: {
          const auto taken = queue.take(now);
          ASSERT_EQ(taken, slow.take(now));
          if (!taken) break;
          ASSERT_EQ(std::count(held.begin(), held.end(), *taken), 0) << "handed out twice";
          held.push_back(*taken);
          break;
        }
        default:
          if (held.empty()) break;
          std::swap(held[random() % held.size()], held.back());
          queue.done(held.back());
          slow.done(held.back());
          held.pop_back();
      }
      ASSERT_EQ(queue.next_due(), slow.next_due());
      ASSERT_EQ(queue.num_processing(), held.size());
    }
  }
}

TEST(WorkQueueState, WaitsDoubleUntilForgotten) {
  WorkQueueState<int> queue({.first = 5ms, .longest = 60ms});
  const TimePoint now{std::chrono::hours(1)};
  for (const Duration wait : {5ms, 10ms, 20ms, 40ms, 60ms, 60ms}) {
    EXPECT_EQ(queue.add_rate_limited(1, now), wait);
  }
  EXPECT_EQ(queue.failures(1), 6);
  EXPECT_EQ(queue.add_rate_limited(2, now), 5ms);
  queue.forget(1);
  EXPECT_EQ(queue.failures(1), 0);
  EXPECT_EQ(queue.add_rate_limited(1, now), 5ms);
  // Years of failures overflow nothing.
  for (int i = 0; i < 200; ++i) (void)queue.add_rate_limited(3, now + std::chrono::hours(i));
  EXPECT_EQ(queue.add_rate_limited(3, now + std::chrono::hours(300)), 60ms);
}

TEST(WorkQueueState, AllKeysShareABucket) {
  WorkQueueState<int> queue({.first = 1ms, .longest = 1ms, .per_second = 10, .burst = 3});
  TimePoint now{std::chrono::hours(1)};
  for (int key = 0; key < 3; ++key) EXPECT_EQ(queue.add_rate_limited(key, now), 1ms);
  EXPECT_EQ(queue.add_rate_limited(3, now), 100ms);
  EXPECT_EQ(queue.add_rate_limited(4, now), 200ms);
  now += 10s;
  EXPECT_EQ(queue.add_rate_limited(5, now), 1ms);
}

async::Task<void> worker(WorkQueue<int>* queue, std::vector<int>* seen, async::Event* progress) {
  for (;;) {
    const std::optional<int> key = co_await queue->next();
    if (!key) co_return;
    seen->push_back(*key);
    if (*key == 3 && queue->state().failures(3) < 3) {
      queue->add_rate_limited(3);
    } else {
      queue->forget(*key);
    }
    queue->done(*key);
    progress->pulse();
  }
}

async::Task<void> drain(async::Loop* loop) {
  WorkQueue<int> queue(*loop);
  async::StopScope scope(*loop);
  async::Event progress(*loop);
  std::vector<int> seen;
  scope.spawn(worker(&queue, &seen, &progress));
  scope.spawn(worker(&queue, &seen, &progress));
  for (const int key : {1, 2, 1, 3}) queue.add(key);
  queue.add_after(4, 1ms);
  while (seen.size() < 7) (void)co_await progress.wait();
  EXPECT_EQ(std::vector<int>(seen.begin(), seen.begin() + 3), (std::vector<int>{1, 2, 3}));
  std::sort(seen.begin(), seen.end());
  EXPECT_EQ(seen, (std::vector<int>{1, 2, 3, 3, 3, 3, 4}));
  queue.shut_down();
  co_await scope.join();
}

TEST(WorkQueue, WorkersTakeWhatIsDue) {
  async::Runtime runtime(1);
  runtime.start();
  async::run_blocking(runtime.loop(0), drain(&runtime.loop(0)));
}

}  // namespace
}  // namespace nacelle::kube
