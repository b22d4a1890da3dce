#include "gateway/ai/limits/rate_limiter.h"

#include <gtest/gtest.h>

#include <map>
#include <random>
#include <thread>

namespace nacelle::gateway::ai {
namespace {

using std::chrono::microseconds;
using std::chrono::seconds;

constexpr WallMicros kStart{std::chrono::sys_days{std::chrono::year{2026} / 11 / 29}};

RateLimit limit_of(LimitAlgorithm algorithm, std::uint64_t amount, LimitUnit unit, CostKind cost) {
  RateLimit out;
  out.name = "l";
  out.algorithm = algorithm;
  out.amount = amount;
  out.unit = unit;
  out.cost = cost;
  return out;
}

Admission admit(RateLimiter& limiter, const RateLimit& limit, WallMicros now,
                const LimitFacts& facts = {}) {
  const RateLimit* one = &limit;
  return limiter.admit({&one, 1}, facts, now);
}

TEST(Window, CalendarMonthsAndYears) {
  const auto window = window_of(LimitUnit::kMonth, std::chrono::floor<seconds>(kStart));
  EXPECT_EQ(window.begin, std::chrono::sys_days{std::chrono::year{2026} / 11 / 1});
  EXPECT_EQ(window.end, std::chrono::sys_days{std::chrono::year{2026} / 12 / 1});
  const auto year = window_of(LimitUnit::kYear, std::chrono::floor<seconds>(kStart));
  EXPECT_EQ(year.end, std::chrono::sys_days{std::chrono::year{2027} / 1 / 1});
}

TEST(RateLimiter, TokensAreCheckedAtTheStartAndChargedAtTheEnd) {
  RateLimiter limiter;
  const RateLimit limit =
      limit_of(LimitAlgorithm::kFixedWindow, 100, LimitUnit::kMinute, CostKind::kTotal);
  const Admission first = admit(limiter, limit, kStart);
  const Admission second = admit(limiter, limit, kStart);
  ASSERT_TRUE(first.allowed && second.allowed) << "nothing is charged yet";
  CostInputs cost;
  cost.usage.input = 90;
  cost.usage.output = 20;
  (void)limiter.charge(first, cost, kStart);
  const Admission third = admit(limiter, limit, kStart + seconds(20));
  ASSERT_FALSE(third.allowed);
  EXPECT_EQ(third.refusal->view.remaining, 0u);
  EXPECT_EQ(third.refusal->view.reset_seconds, 40u);
  EXPECT_EQ(rate_limit_headers(*third.refusal)[0].second, "100, 100;w=60");
  EXPECT_EQ(to_status(*third.refusal).code(), Code::kResourceExhausted);
  EXPECT_TRUE(admit(limiter, limit, kStart + seconds(60)).allowed) << "a new window";
}

TEST(RateLimiter, RefusedRequestGivesBackWhatOtherLimitsTook) {
  RateLimiter limiter;
  RateLimit wide =
      limit_of(LimitAlgorithm::kFixedWindow, 5, LimitUnit::kMinute, CostKind::kRequests);
  RateLimit tight = wide;
  wide.name = "wide";
  tight.name = "tight";
  tight.amount = 1;
  const std::vector<const RateLimit*> both{&wide, &tight};
  EXPECT_TRUE(limiter.admit(both, {}, kStart).allowed);
  for (int i = 0; i < 10; ++i) EXPECT_FALSE(limiter.admit(both, {}, kStart).allowed);
  for (int i = 0; i < 4; ++i) EXPECT_TRUE(admit(limiter, wide, kStart).allowed) << i;
  EXPECT_FALSE(admit(limiter, wide, kStart).allowed);
}

TEST(RateLimiter, SubjectsAreCountedApart) {
  RateLimiter limiter;
  RateLimit limit = limit_of(LimitAlgorithm::kFixedWindow, 1, LimitUnit::kDay, CostKind::kRequests);
  limit.per_key = true;
  limit.models = {"llama-*"};
  limit.headers = {{.name = "x-user", .match = HeaderSelector::Match::kDistinct}};
  const auto facts = [](std::string_view key, std::string_view model, std::string_view user) {
    return LimitFacts{key, model, [user](std::string_view) {
                        return user.empty() ? std::nullopt : std::optional(user);
                      }};
  };
  EXPECT_TRUE(admit(limiter, limit, kStart, facts("a", "llama-8b", "1")).allowed);
  EXPECT_FALSE(admit(limiter, limit, kStart, facts("a", "llama-8b", "1")).allowed);
  EXPECT_TRUE(admit(limiter, limit, kStart, facts("a", "llama-8b", "2")).allowed);
  EXPECT_TRUE(admit(limiter, limit, kStart, facts("b", "llama-8b", "1")).allowed);
  EXPECT_TRUE(admit(limiter, limit, kStart, facts("a", "qwen", "1")).allowed) << "no such model";
  EXPECT_TRUE(admit(limiter, limit, kStart, facts("a", "llama-8b", "")).allowed) << "no header";
  // A value with separators cannot pose as another subject.
  EXPECT_NE(subject_of(limit, facts("a|x-user=1", "llama-8b", "2")),
            subject_of(limit, facts("a", "llama-8b", "1|x-user=2")));
}

TEST(RateLimiter, ShadowCountsAndNeverRefuses) {
  RateLimiter limiter;
  RateLimit limit = limit_of(LimitAlgorithm::kFixedWindow, 1, LimitUnit::kDay, CostKind::kRequests);
  limit.shadow = true;
  for (int i = 0; i < 3; ++i) EXPECT_TRUE(admit(limiter, limit, kStart).allowed);
}

TEST(RateLimiter, MemoryIsBounded) {
  RateLimiter limiter(64, 4);
  RateLimit limit = limit_of(LimitAlgorithm::kFixedWindow, 1, LimitUnit::kDay, CostKind::kRequests);
  limit.per_key = true;
  for (int i = 0; i < 10'000; ++i) {
    const std::string key = std::to_string(i);
    EXPECT_TRUE(admit(limiter, limit, kStart, {.key_id = key}).allowed);
  }
  EXPECT_LE(limiter.num_counters(), 64u);
}

TEST(RateLimiter, DurableCountersComeBack) {
  RateLimit limit = limit_of(LimitAlgorithm::kFixedWindow, 10, LimitUnit::kMonth, CostKind::kTotal);
  limit.durable = true;
  CostInputs cost;
  cost.usage.output = 10;
  RateLimiter before;
  const Admission admission = admit(before, limit, kStart);
  const auto charged = before.charge(admission, cost, kStart);
  ASSERT_EQ(charged.durable.size(), 1u);
  RateLimiter after;
  after.restore(limit, charged.durable[0], kStart + seconds(5));
  EXPECT_FALSE(admit(after, limit, kStart + seconds(5)).allowed);
  RateLimiter next_month;
  const WallMicros later = kStart + std::chrono::days(3);
  next_month.restore(limit, charged.durable[0], later);
  EXPECT_TRUE(admit(next_month, limit, later).allowed);
}

TEST(RateLimiter, LoopsCannotBothTakeTheLastRequest) {
  RateLimiter limiter;
  const RateLimit limit =
      limit_of(LimitAlgorithm::kFixedWindow, 1000, LimitUnit::kDay, CostKind::kRequests);
  std::atomic<int> admitted{0};
  std::vector<std::thread> loops;
  for (int t = 0; t < 4; ++t) {
    loops.emplace_back([&] {
      for (int i = 0; i < 1000; ++i) admitted += admit(limiter, limit, kStart).allowed ? 1 : 0;
    });
  }
  for (std::thread& loop : loops) loop.join();
  EXPECT_EQ(admitted, 1000);
}

// A slow, obvious model: every charge is kept; a bucket is stepped one microsecond-token at a time
// in 128 bits, from the list of charges.
class Model {
 public:
  explicit Model(const RateLimit& limit) : limit_(limit) {}

  bool admits(std::uint64_t at_least, std::int64_t now) const {
    if (limit_.algorithm == LimitAlgorithm::kFixedWindow) {
      const std::int64_t length = static_cast<std::int64_t>(seconds_of(limit_.unit)) * 1'000'000;
      std::uint64_t used = 0;
      for (const auto& [at, cost] : charges_) used += at / length == now / length ? cost : 0;
      return at_least == 0 ? used < limit_.amount : used + at_least <= limit_.amount;
    }
    const unsigned __int128 unit =
        static_cast<unsigned __int128>(seconds_of(limit_.unit)) * 1'000'000;
    unsigned __int128 missing = 0;
    std::int64_t last = charges_.empty() ? now : charges_.front().first;
    const auto refill = [&](std::int64_t to) {
      const unsigned __int128 back = static_cast<unsigned __int128>(to - last) * limit_.amount;
      missing = missing > back ? missing - back : 0;
      last = to;
    };
    for (const auto& [at, cost] : charges_) {
      refill(at);
      missing += unit * cost;
    }
    refill(now);
    const std::uint64_t capacity = limit_.burst > 0 ? limit_.burst : limit_.amount;
    return at_least == 0 ? missing < unit * capacity : missing + unit * at_least <= unit * capacity;
  }
  void charge(std::uint64_t cost, std::int64_t now) { charges_.emplace_back(now, cost); }

 private:
  const RateLimit& limit_;
  std::vector<std::pair<std::int64_t, std::uint64_t>> charges_;
};

TEST(Counter, AgreesWithTheModel) {
  for (std::uint64_t seed = 1; seed <= 60; ++seed) {
    std::mt19937_64 random(seed);
    RateLimit limit;
    limit.algorithm = seed % 2 == 0 ? LimitAlgorithm::kFixedWindow : LimitAlgorithm::kTokenBucket;
    limit.unit = static_cast<LimitUnit>(random() % 3);
    limit.amount = 1 + random() % 50;
    limit.burst = random() % 3 == 0 ? 1 + random() % 100 : 0;
    Model model(limit);
    Counter counter;
    WallMicros now = kStart;
    int refused = 0;
    for (int i = 0; i < 300; ++i) {
      now += microseconds(random() % (seconds_of(limit.unit) * 100'000));
      const std::uint64_t at_least = random() % 2;
      const bool expected = model.admits(at_least, now.time_since_epoch().count());
      ASSERT_EQ(counter.admits(limit, at_least, now), expected) << "seed " << seed << " step " << i;
      if (!expected) {
        ++refused;
        // The view's promise: once reset has passed, a request is admitted.
        Counter copy = counter;
        const auto reset = copy.view(limit, now).reset_seconds;
        EXPECT_TRUE(at_least == 0 || limit.algorithm == LimitAlgorithm::kFixedWindow ||
                    copy.admits(limit, 1, now + seconds(reset)));
        continue;
      }
      const std::uint64_t cost = at_least == 1 ? 1 : random() % 20;
      counter.charge(limit, cost, now);
      model.charge(cost, now.time_since_epoch().count());
    }
    EXPECT_GT(refused, 0) << "seed " << seed;
  }
}

}  // namespace
}  // namespace nacelle::gateway::ai
