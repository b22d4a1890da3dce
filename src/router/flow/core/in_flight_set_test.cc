#include "router/flow/core/in_flight_set.h"

#include <array>
#include <memory>
#include <vector>

#include <gtest/gtest.h>

namespace nacelle::router::flow {
namespace {

TimePoint at(int ms) { return TimePoint(std::chrono::milliseconds(ms)); }

PoolReading reading(double saturation, int covers_ms) {
  PoolReading out;
  out.decode = StageReading{saturation, 0.1, 0.001, 1};
  out.covers = at(covers_ms);
  out.follows_completions = true;
  return out;
}

TEST(InFlightSet, ADispatchedRequestCountsUntilAReadingKnowsIt) {
  InFlightSet set;
  set.read(reading(0.2, 0));
  InFlight a, b;
  b.tokens = 100;
  set.add(a);
  set.add(b);
  EXPECT_DOUBLE_EQ(set.effective(), 0.2 + 0.2 + 0.1);
  set.placed(a, at(10));
  set.read(reading(0.3, 9));  // too early for a, and b is not placed
  EXPECT_DOUBLE_EQ(set.effective(), 0.3 + 0.2 + 0.1);
  set.read(reading(0.3, 10));
  EXPECT_DOUBLE_EQ(set.effective(), 0.3 + 0.1 + 0.1);
  EXPECT_EQ(set.reserved(), 1u);
  set.remove(b);
  EXPECT_DOUBLE_EQ(set.effective(), 0.3);
  EXPECT_FALSE(set.outdated());
  set.remove(a);  // only a new reading shows it
  EXPECT_TRUE(set.outdated());
  EXPECT_DOUBLE_EQ(set.effective(), 0.3);
  set.read(reading(0.2, 20));
  EXPECT_FALSE(set.outdated());
  EXPECT_EQ(set.size(), 0u);
}

TEST(InFlightSet, VictimsAreTheLowestThenTheNewest) {
  InFlightSet set;
  struct Row {
    int priority;
    bool evictable;
  };
  const std::array<Row, 6> rows{
      {{-1, true}, {-2, true}, {-2, true}, {0, true}, {-3, false}, {-1, true}}};
  std::vector<std::unique_ptr<InFlight>> requests;
  for (const Row& row : rows) {
    requests.push_back(std::make_unique<InFlight>());
    requests.back()->priority = row.priority;
    requests.back()->evictable = row.evictable;
    set.add(*requests.back());
  }
  EXPECT_EQ(set.take_victim(-2), nullptr);  // nobody is lower
  EXPECT_EQ(set.take_victim(5), requests[2].get());
  EXPECT_EQ(set.take_victim(5), requests[1].get());
  EXPECT_EQ(set.take_victim(-1), nullptr);
  set.remove(*requests[5]);  // ended by itself
  EXPECT_EQ(set.take_victim(5), requests[0].get());
  EXPECT_EQ(set.take_victim(5), nullptr);  // 0 is not sheddable
  for (const auto& request : requests) set.remove(*request);
}

}  // namespace
}  // namespace nacelle::router::flow
