#include "gateway/ai/fallback.h"

#include <gtest/gtest.h>

#include <random>

namespace nacelle::gateway::ai {
namespace {

const TimePoint kNow{std::chrono::hours(1)};
const std::vector<FallbackCandidate> kTwoLevels{{.priority = 0}, {.priority = 0}, {.priority = 1}};

Attempt failed(std::uint32_t backend, Failure failure, std::uint16_t status = 0,
               std::optional<Duration> retry_after = {}) {
  return {backend, failure, status, retry_after, kNow};
}

FallbackPolicy policy() {
  FallbackPolicy out;
  out.statuses = {429, 503};
  out.on_context_length = true;
  return out;
}

struct Row {
  const char* name;
  std::vector<Attempt> attempts;
  std::optional<std::uint32_t> backend;  // nullopt = the client gets the answer
};

TEST(Fallback, Table) {
  const std::vector<Row> rows{
      {"the first attempt takes the first level", {}, 0},
      {"a failed connection moves to the next level", {failed(0, Failure::kConnect)}, 2},
      {"a listed status moves", {failed(0, Failure::kStatus, 503)}, 2},
      {"another status is the client's", {failed(0, Failure::kStatus, 400)}, std::nullopt},
      {"a timeout is not named by default", {failed(0, Failure::kTimeout)}, std::nullopt},
      {"a success is the client's", {failed(0, Failure::kNone)}, std::nullopt},
      {"retries end",
       {failed(0, Failure::kReset), failed(2, Failure::kReset), failed(2, Failure::kReset)},
       std::nullopt},
      {"after the last level it is tried again",
       {failed(0, Failure::kReset), failed(2, Failure::kReset)},
       2},
      {"a too long prompt rules the last level out",
       {failed(0, Failure::kReset), failed(2, Failure::kContextLength, 400)},
       1},
      {"a long Retry-After rules a backend out",
       {failed(0, Failure::kReset), failed(2, Failure::kStatus, 429, 60s)},
       1},
  };
  for (const Row& row : rows) {
    const Fallback next = decide_fallback(row.attempts, kTwoLevels, policy(), kNow, 0.0);
    EXPECT_EQ(next.action == Fallback::Action::kTry, row.backend.has_value())
        << row.name << ": " << next.reason;
    if (row.backend && next.action == Fallback::Action::kTry) {
      EXPECT_EQ(next.backend, *row.backend) << row.name;
    }
  }
}

TEST(Fallback, UnhealthyBackendsAreTheLastResort) {
  auto candidates = kTwoLevels;
  candidates[0].healthy = candidates[1].healthy = false;
  EXPECT_EQ(decide_fallback({}, candidates, policy(), kNow, 0.0).backend, 2u);
  candidates[2].healthy = false;
  EXPECT_EQ(decide_fallback({}, candidates, policy(), kNow, 0.0).backend, 0u);
  for (auto& candidate : candidates) candidate.weight = 0;
  EXPECT_EQ(decide_fallback({}, candidates, policy(), kNow, 0.0).action, Fallback::Action::kAnswer);
}

TEST(Fallback, RetryAfterIsWaitedFor) {
  const std::vector<FallbackCandidate> one{{}};
  const std::vector<Attempt> attempts{failed(0, Failure::kStatus, 429, 2s)};
  const Fallback next = decide_fallback(attempts, one, policy(), kNow, 0.5);
  ASSERT_EQ(next.action, Fallback::Action::kTry);
  EXPECT_EQ(next.not_before, kNow + 2s);
}

TEST(Fallback, WeightsSplitALevelAndBackoffStaysInBounds) {
  std::vector<FallbackCandidate> candidates{{.weight = 3}, {.weight = 1}, {.weight = 0}};
  std::mt19937_64 random(7);
  std::uniform_real_distribution<double> uniform(0, 1);
  std::vector<int> picked(3);
  for (int i = 0; i < 8000; ++i) {
    ++picked[decide_fallback({}, candidates, policy(), kNow, uniform(random)).backend];
  }
  EXPECT_NEAR(picked[0], 6000, 200);
  EXPECT_EQ(picked[2], 0);
  FallbackPolicy many = policy();
  many.max_retries = 50;
  std::vector<Attempt> attempts;
  for (int i = 0; i < 40; ++i) {
    attempts.push_back(failed(0, Failure::kReset));
    const Fallback next = decide_fallback(attempts, candidates, many, kNow, 0.999);
    ASSERT_EQ(next.action, Fallback::Action::kTry);
    EXPECT_GE(next.not_before, kNow);
    EXPECT_LE(next.not_before, kNow + many.max_backoff);
  }
}

TEST(Fallback, RetryAfterAndContextLength) {
  EXPECT_EQ(parse_retry_after("7"), Duration(7s));
  EXPECT_EQ(parse_retry_after("99999999999999999999999"), Duration(std::chrono::hours(24)));
  for (const char* bad : {"", "-1", "1.5", "Wed, 21 Oct 2026 07:28:00 GMT"}) {
    EXPECT_EQ(parse_retry_after(bad), std::nullopt) << bad;
  }
  EXPECT_TRUE(is_context_length_error(
      400, R"({"error":{"message":"This model's maximum context length is 8192 tokens."}})"));
  EXPECT_FALSE(is_context_length_error(500, "maximum context length"));
  EXPECT_FALSE(is_context_length_error(400, "bad temperature"));
}

}  // namespace
}  // namespace nacelle::gateway::ai
