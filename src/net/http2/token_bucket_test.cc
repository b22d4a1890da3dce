#include "net/http2/token_bucket.h"

#include <random>

#include <gtest/gtest.h>

namespace nacelle::net::http2 {
namespace {

TEST(TokenBucket, SpendsItsBurstAndRefillsWithTime) {
  ManualClock clock;
  TokenBucket bucket(3, 10, clock.now());
  for (int i = 0; i < 3; ++i) EXPECT_TRUE(bucket.take(clock));
  EXPECT_FALSE(bucket.take(clock));
  clock.advance(99ms);
  EXPECT_FALSE(bucket.take(clock));
  clock.advance(1ms);
  EXPECT_TRUE(bucket.take(clock));
  EXPECT_FALSE(bucket.take(clock));
  clock.advance(100s);
  for (int i = 0; i < 3; ++i) EXPECT_TRUE(bucket.take(clock));
  EXPECT_FALSE(bucket.take(clock)) << "never more than the burst";
  bucket.give(2);
  EXPECT_TRUE(bucket.take(clock));
  bucket.give(100);
  for (int i = 0; i < 3; ++i) EXPECT_TRUE(bucket.take(clock));
  EXPECT_FALSE(bucket.take(clock));
}

// Over any time no more than the burst, twice, plus what was earned.
TEST(TokenBucket, BoundsTheRateOverTime) {
  std::mt19937 random(5);
  for (int round = 0; round < 50; ++round) {
    ManualClock clock;
    const std::uint32_t burst = 1 + random() % 50, rate = 1 + random() % 100;
    TokenBucket bucket(burst, rate, clock.now());
    std::uint64_t taken = 0;
    for (int i = 0; i < 2000; ++i) {
      clock.advance(std::chrono::microseconds(random() % 20000));
      if (random() % 4 != 0 && bucket.take(clock)) ++taken;
    }
    const double seconds = to_seconds(clock.now() - TimePoint());
    EXPECT_LE(static_cast<double>(taken), 2.0 * burst + seconds * rate + 1) << round;
  }
}

}  // namespace
}  // namespace nacelle::net::http2
