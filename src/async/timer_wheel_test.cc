#include "async/timer_wheel.h"

#include <map>
#include <memory>
#include <random>
#include <vector>

#include <gtest/gtest.h>

namespace nacelle::async {
namespace {

const TimePoint kOrigin{};

struct Probe {
  explicit Probe(int* counter) : fired(counter), node(&Probe::fire, this) {}
  static void fire(void* self) { ++*static_cast<Probe*>(self)->fired; }
  int* fired;
  TimerNode node;
};

TEST(TimerWheel, FiresAtTheFirstTickAfterTheDeadlineAndNotBefore) {
  TimerWheel wheel(kOrigin);
  int fired = 0;
  Probe probe(&fired);
  EXPECT_TRUE(wheel.arm(probe.node, kOrigin + 10ms));
  wheel.advance(kOrigin + 9ms);
  EXPECT_EQ(fired, 0);
  wheel.advance(kOrigin + 12ms);
  EXPECT_EQ(fired, 1);
  EXPECT_FALSE(probe.node.armed());
  EXPECT_EQ(wheel.next_wakeup(), std::nullopt);
}

TEST(TimerWheel, RearmingMovesTheDeadline) {
  TimerWheel wheel(kOrigin);
  int fired = 0;
  Probe probe(&fired);
  wheel.arm(probe.node, kOrigin + 8ms);
  EXPECT_FALSE(wheel.arm(probe.node, kOrigin + 80ms));
  wheel.advance(kOrigin + 76ms);
  EXPECT_EQ(fired, 0);
  wheel.advance(kOrigin + 80ms);
  EXPECT_EQ(fired, 1);
  EXPECT_EQ(wheel.num_armed(), 0u);
}

TEST(TimerWheel, DeadlinesBeyondOneTurnWaitForTheirTurn) {
  TimerWheel wheel(kOrigin);
  int fired = 0;
  Probe probe(&fired);
  const TimePoint at = kOrigin + 3600s;
  wheel.arm(probe.node, at);
  int wakeups = 0;
  while (fired == 0) {
    const auto next = wheel.next_wakeup();
    ASSERT_TRUE(next.has_value());
    ASSERT_LE(*next, at);
    wheel.advance(*next);
    ++wakeups;
  }
  EXPECT_LE(wakeups, 3600s / (TimerWheel::kTick * TimerWheel::kSlots) + 2);
}

TEST(TimerWheel, CallbacksMayDestroyOtherDueNodes) {
  TimerWheel wheel(kOrigin);
  int fired = 0;
  auto victim = std::make_unique<Probe>(&fired);
  auto killer_fn = [](void* context) { static_cast<std::unique_ptr<Probe>*>(context)->reset(); };
  TimerNode killer(killer_fn, &victim);
  wheel.arm(killer, kOrigin + 4ms);
  wheel.arm(victim->node, kOrigin + 4ms);
  wheel.advance(kOrigin + 8ms);
  EXPECT_EQ(fired, 0);
  EXPECT_EQ(victim, nullptr);
}

TEST(TimerWheel, AgreesWithASortedListUnderRandomOperations) {
  const unsigned seed = 20240501;
  SCOPED_TRACE(seed);
  std::mt19937 random(seed);
  TimerWheel wheel(kOrigin);
  constexpr int kNodes = 200;
  std::vector<int> fired(kNodes, 0), expected(kNodes, 0);
  std::vector<std::unique_ptr<Probe>> probes;
  for (int i = 0; i < kNodes; ++i) probes.push_back(std::make_unique<Probe>(&fired[i]));
  std::map<int, TimePoint> model;
  TimePoint now = kOrigin;
  for (int step = 0; step < 20000; ++step) {
    const int node = static_cast<int>(random() % kNodes);
    switch (random() % 4) {
      case 0:
      case 1: {
        const TimePoint at = now + std::chrono::milliseconds(random() % 12000);
        wheel.arm(probes[node]->node, at);
        model[node] = at;
        break;
      }
      case 2:
        wheel.disarm(probes[node]->node);
        model.erase(node);
        break;
      default: {
        now += std::chrono::milliseconds(random() % 40) * (random() % 50 == 0 ? 300 : 1);
        wheel.advance(now);
        // Model: due when the deadline, rounded up to a tick, has passed; past ones fire on the
        // next tick after they were armed, which the slack of one tick below allows.
        for (auto it = model.begin(); it != model.end();) {
          const bool must = it->second + 2 * TimerWheel::kTick <= now;
          const bool has = !probes[it->first]->node.armed();
          ASSERT_TRUE(!must || has) << "late";
          ASSERT_TRUE(!has || it->second <= now) << "early";
          if (has) {
            ++expected[it->first];
            it = model.erase(it);
          } else {
            ++it;
          }
        }
        if (wheel.num_armed() > 0) {
          const auto next = wheel.next_wakeup();
          ASSERT_TRUE(next.has_value());
          for (const auto& [id, at] : model) ASSERT_LE(*next, at + 2 * TimerWheel::kTick);
        }
        break;
      }
    }
    ASSERT_EQ(wheel.num_armed(), model.size());
  }
  EXPECT_EQ(fired, expected);
}

}  // namespace
}  // namespace nacelle::async
