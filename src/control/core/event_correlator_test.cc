#include "control/core/event_correlator.h"

#include <gtest/gtest.h>

namespace nacelle::control {
namespace {

EventFact fact(const std::string& message, const std::string& uid = "u") {
  EventFact out;
  out.subject.kind = "Pod";
  out.subject.name = "p";
  out.subject.uid = uid;
  out.reason = "Unhealthy";
  out.message = message;
  return out;
}

TEST(EventCorrelator, RepeatsCountTheFirstOneUp) {
  EventCorrelator correlator;
  const TimePoint now{std::chrono::hours(1)};
  const auto first = correlator.record(fact("a"), now, 0xabc, "t1");
  ASSERT_TRUE(first);
  EXPECT_EQ(first->name, "p.0000000000000abc");
  EXPECT_EQ(first->count, 1);
  const auto again = correlator.record(fact("a"), now + 1s, 0xdef, "t2");
  ASSERT_TRUE(again);
  EXPECT_EQ(again->name, first->name);
  EXPECT_EQ(again->count, 2);
  EXPECT_EQ(again->first_time, "t1");
  const auto other = correlator.record(fact("b"), now + 1s, 0xdef, "t2");
  ASSERT_TRUE(other);
  EXPECT_EQ(other->count, 1);
  EXPECT_EQ(correlator.record(fact("a", "v"), now, 1, "t")->count, 1);  // of another object
}

TEST(EventCorrelator, ManySimilarOnesBecomeOne) {
  EventCorrelator correlator;
  const TimePoint now{std::chrono::hours(1)};
  for (std::size_t i = 0; i < EventCorrelator::kSimilar; ++i) {
    EXPECT_EQ(correlator.record(fact(std::to_string(i)), now, i, "t")->message, std::to_string(i));
  }
  const auto eleventh = correlator.record(fact("x"), now, 100, "t");
  EXPECT_EQ(eleventh->message, "(combined from similar events): x");
  const auto twelfth = correlator.record(fact("y"), now, 101, "t");
  EXPECT_EQ(twelfth->name, eleventh->name);
  EXPECT_EQ(twelfth->count, 2);
  EXPECT_EQ(twelfth->message, "(combined from similar events): y");
  // What was told before still counts by itself; after a pause all begins anew.
  EXPECT_EQ(correlator.record(fact("3"), now, 102, "t")->message, "3");
  EXPECT_EQ(correlator.record(fact("z"), now + EventCorrelator::kWindow + 1s, 103, "t")->message,
            "z");
}

TEST(EventCorrelator, AnObjectThatNeverStopsIsCutShort) {
  EventCorrelator correlator;
  TimePoint now{std::chrono::hours(1)};
  int written = 0;
  for (int i = 0; i < 100; ++i) written += correlator.record(fact("a"), now, 1, "t").has_value();
  EXPECT_EQ(written, EventCorrelator::kBurst);
  now += EventCorrelator::kRefill;
  EXPECT_TRUE(correlator.record(fact("a"), now, 1, "t"));
  EXPECT_FALSE(correlator.record(fact("a"), now, 1, "t"));
  EXPECT_TRUE(correlator.record(fact("a", "v"), now, 1, "t"));
}

}  // namespace
}  // namespace nacelle::control
