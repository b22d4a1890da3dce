#include "control/core/llmd/load_rates.h"

#include <gtest/gtest.h>

#include "control/core/llmd/autoscaler.h"

namespace nacelle::control::llmd {
namespace {

TEST(LoadRates, ArrivalsOfTheLastMinute) {
  LoadRates rates;
  EXPECT_FALSE(rates.arrival_rate());
  for (std::int64_t now = 0; now <= 4; ++now) rates.add({.now = now, .arrived = now * 10});
  EXPECT_FALSE(rates.arrival_rate()) << "four seconds say nothing";
  for (std::int64_t now = 5; now <= 100; ++now) rates.add({.now = now, .arrived = now * 10});
  EXPECT_DOUBLE_EQ(*rates.arrival_rate(), 10);
  for (std::int64_t now = 101; now <= 160; ++now) rates.add({.now = now, .arrived = 1000});
  EXPECT_DOUBLE_EQ(*rates.arrival_rate(), 0) << "it is a minute ago";
}

TEST(LoadRates, AReplicaIsMeasuredWhileRequestsWaitForIt) {
  LoadRates rates;
  std::int64_t completed = 0;
  for (std::int64_t now = 0; now < 30; ++now) {
    rates.add({.now = now, .completed = completed, .ready = 2, .saturated = false});
    completed += 1;
  }
  EXPECT_FALSE(rates.completion_rate()) << "an idle one says nothing of its limit";
  for (std::int64_t now = 30; now < 60; ++now) {
    rates.add({.now = now, .completed = completed, .ready = 2, .saturated = true});
    completed += 6;
  }
  EXPECT_DOUBLE_EQ(*rates.completion_rate(), 3) << "each of the two";
  for (std::int64_t now = 60; now < 500; ++now) {
    rates.add({.now = now, .completed = completed, .ready = 2, .saturated = false});
  }
  EXPECT_DOUBLE_EQ(*rates.completion_rate(), 3) << "what it can do is not forgotten";
}

TEST(LoadRates, CountersAndClocksThatGoBackBeginAnew) {
  LoadRates rates;
  for (std::int64_t now = 0; now <= 20; ++now) rates.add({.now = now, .arrived = now});
  rates.add({.now = 21, .arrived = 0});
  EXPECT_FALSE(rates.arrival_rate());
  for (std::int64_t now = 22; now <= 30; ++now) rates.add({.now = now, .arrived = (now - 21) * 2});
  EXPECT_DOUBLE_EQ(*rates.arrival_rate(), 2);
  rates.add({.now = 5, .arrived = 20});
  EXPECT_FALSE(rates.arrival_rate());
}

// The trace of the reference, with counters instead of rates: the queue grows for as long as
// replicas load, and asks for no more than would answer what comes.
TEST(LoadRates, AQueueThatGrowsWhileReplicasLoadAsksForWhatWouldAnswerIt) {
  const AutoscalingSpec spec{.enabled = true,
                             .min_replicas = 1,
                             .max_replicas = 100,
                             .queue_target = 5,
                             .decode_floor = 400};
  AutoscalerState state;
  std::int64_t replicas = 1;
  double arrived = 0;
  double completed = 0;
  for (std::int64_t now = 0; now < 300; ++now) {
    arrived += 5.4;
    completed += 1;  // one replica answers, the others load
    LoadSample sample{.now = now,
                      .ready = 1,
                      .pending = replicas - 1,
                      .queued = arrived - completed,
                      .decode_rate = 1000};
    sample.arrived = static_cast<std::int64_t>(arrived);
    sample.completed = static_cast<std::int64_t>(completed);
    replicas = scale(spec, sample, state).desired;
  }
  EXPECT_EQ(replicas, 6);
}

TEST(Autoscaler, AClockThatJumpsComesToTheSameEnd) {
  const AutoscalingSpec spec{.enabled = true,
                             .min_replicas = 1,
                             .max_replicas = 8,
                             .queue_target = 5,
                             .decode_floor = 400,
                             .window_seconds = 60};
  for (const std::int64_t jump : {0, 3600, -3600}) {
    AutoscalerState state;
    std::int64_t replicas = 1;
    std::int64_t fewest = 8;
    const auto run = [&](std::int64_t from, std::int64_t seconds, double queue, double tokens) {
      for (std::int64_t now = from; now < from + seconds; ++now) {
        replicas =
            scale(spec, {.now = now, .ready = replicas, .queued = queue, .decode_rate = tokens},
                  state)
                .desired;
        fewest = std::min(fewest, replicas);
      }
    };
    const std::int64_t start = 100'000;
    run(start, 60, 1000, 8000);
    EXPECT_EQ(replicas, 8);
    fewest = 8;
    run(start + 60 + jump, 30, 0, 4000);
    EXPECT_EQ(fewest, 8) << "within targets nothing goes, jump " << jump;
    run(start + 90 + jump, 60, 0, 0);
    EXPECT_GE(replicas, 6) << "one a minute, jump " << jump;
    run(start + 150 + jump, 600, 0, 0);
    EXPECT_EQ(replicas, 1) << "jump " << jump;
    run(start + 750 + jump, 60, 1000, 8000);
    EXPECT_EQ(replicas, 8) << "jump " << jump;
  }
}

}  // namespace
}  // namespace nacelle::control::llmd
