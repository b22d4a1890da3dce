#include <gtest/gtest.h>

#include <map>
#include <random>

#include "gateway/upstream/breaker.h"
#include "gateway/upstream/cluster_picker.h"
#include "gateway/upstream/hash.h"
#include "gateway/upstream/retry.h"

namespace nacelle::gateway {
namespace {

ClusterConfig cluster_of(std::size_t count, TrafficConfig::Balance balance) {
  ClusterConfig config;
  for (std::size_t i = 0; i < count; ++i)
    config.endpoints.push_back(fmt::format("10.0.0.{}:80", i));
  config.traffic.balance = balance;
  return config;
}

struct Fixture {
  explicit Fixture(ClusterConfig config)
      : picker(std::make_shared<ClusterPicker>(
            config, [this] { return random(); }, [this] { return now; })) {}
  std::unique_ptr<PickedEndpoint> pick(PickRequest request = {},
                                       std::vector<std::string> tried = {}) {
    auto picked = picker->pick(request, tried);
    return picked ? std::move(*picked) : nullptr;
  }
  std::mt19937_64 random{7};
  TimePoint now{1000s};
  std::shared_ptr<ClusterPicker> picker;
};

TEST(ClusterPicker, RoundRobinTakesTurnsAndPassesOverTriedOnes) {
  Fixture f(cluster_of(3, TrafficConfig::Balance::kRoundRobin));
  EXPECT_EQ(f.pick()->address(), "10.0.0.0:80");
  EXPECT_EQ(f.pick()->address(), "10.0.0.1:80");
  EXPECT_EQ(f.pick({}, {"10.0.0.2:80"})->address(), "10.0.0.0:80");
  EXPECT_EQ(f.pick({}, {"10.0.0.0:80", "10.0.0.1:80", "10.0.0.2:80"}), nullptr);
}

TEST(ClusterPicker, LeastRequestKeepsLoadsClose) {
  Fixture f(cluster_of(8, TrafficConfig::Balance::kLeastRequest));
  std::vector<std::unique_ptr<PickedEndpoint>> held;
  std::map<std::string, int> load;
  for (int i = 0; i < 800; ++i) {
    held.push_back(f.pick());
    ++load[held.back()->address()];
  }
  for (const auto& [address, count] : load) EXPECT_NEAR(count, 100, 12) << address;
}

TEST(ClusterPicker, AKeyStaysOnItsEndpointWhenOthersLeaveTheRing) {
  Fixture before(cluster_of(10, TrafficConfig::Balance::kRingHash));
  Fixture after(cluster_of(9, TrafficConfig::Balance::kRingHash));
  int moved = 0, left = 0;
  for (int i = 0; i < 1000; ++i) {
    PickRequest request;
    request.hash = stable_hash(fmt::format("user-{}", i));
    const std::string was = before.pick(request)->address(), is = after.pick(request)->address();
    EXPECT_EQ(before.pick(request)->address(), was);
    if (was == "10.0.0.9:80") ++left;
    if (was != is) ++moved;
  }
  EXPECT_EQ(moved, left);  // exactly those whose endpoint is gone
}

TEST(ClusterPicker, ASessionComesBackWhileItsEndpointServes) {
  Fixture f(cluster_of(5, TrafficConfig::Balance::kRandom));
  const std::string address = f.pick()->address(), session = session_of(address);
  PickRequest request;
  request.session = session;
  for (int i = 0; i < 20; ++i) EXPECT_EQ(f.pick(request)->address(), address);
  EXPECT_NE(f.pick(request, {address})->address(), address);
}

TEST(ClusterPicker, EjectsAfterErrorsInARowAndTakesBackWithGrowingPauses) {
  Fixture f(cluster_of(2, TrafficConfig::Balance::kRoundRobin));
  const auto address_after = [&](int n) {
    std::map<std::string, int> seen;
    for (int i = 0; i < n; ++i) ++seen[f.pick()->address()];
    return seen.size();
  };
  const auto fail = [&](int times) {
    for (int i = 0; i < times; ++i) {
      auto place = f.pick({}, {"10.0.0.1:80"});
      if (place) place->on_status(500);
    }
  };
  fail(4);
  EXPECT_EQ(address_after(4), 2u);
  f.pick({}, {"10.0.0.1:80"})->on_status(200);  // a good answer begins the count anew
  fail(4);
  EXPECT_EQ(address_after(4), 2u);
  fail(1);
  EXPECT_EQ(f.picker->ejections(), 1u);
  EXPECT_EQ(address_after(4), 1u);
  f.now += 31s;
  EXPECT_EQ(address_after(4), 2u);
  fail(5);
  f.now += 31s;  // the second time it is twice as long
  EXPECT_EQ(address_after(4), 1u);
  f.now += 31s;
  EXPECT_EQ(address_after(4), 2u);
}

TEST(ClusterPicker, NoMoreThanTheShareIsEjectedAndPanicUsesAll) {
  Fixture f(cluster_of(3, TrafficConfig::Balance::kRoundRobin));
  for (int i = 0; i < 60; ++i) f.pick()->on_failure();
  EXPECT_EQ(f.picker->ejections(), 1u);  // 10 % of three is one
  for (std::size_t i = 0; i < 3; ++i) f.picker->set_healthy(i, false);
  EXPECT_FALSE(f.picker->any_serving());
  EXPECT_NE(f.pick(), nullptr);  // none is healthy: all are asked
}

TEST(Breaker, BoundsRequestsAndRetries) {
  BreakerConfig config;
  config.max_requests = 20;
  config.min_retries = 1;
  Breaker breaker(config);
  std::vector<Breaker::Place> held;
  for (int i = 0; i < 20; ++i) held.push_back(breaker.enter());
  EXPECT_TRUE(held.back());
  EXPECT_FALSE(breaker.enter());
  std::vector<Breaker::Place> retries;
  for (int i = 0; i < 4; ++i) retries.push_back(breaker.enter_retry());
  EXPECT_TRUE(retries.back());
  EXPECT_FALSE(breaker.enter_retry());  // 20 % of 20
  held.clear();
  retries.clear();
  EXPECT_TRUE(breaker.enter_retry());
  EXPECT_EQ(breaker.requests(), 0u);
}

TEST(Retry, PausesAreBoundedJitteredAndHonourRetryAfter) {
  RetryConfig retry;
  std::mt19937_64 random(3);
  Duration longest{};
  for (int i = 0; i < 1000; ++i) {
    EXPECT_LE(pause_before(retry, 1, {}, random()), 25ms);
    longest = std::max(longest, pause_before(retry, 3, {}, random()));
    EXPECT_LE(pause_before(retry, 9, {}, random()), 250ms);
  }
  EXPECT_GT(longest, 80ms);
  EXPECT_EQ(pause_before(retry, 1, Duration(1s), 0), 1s);
  EXPECT_LE(pause_before(retry, 1, Duration(60s), 5), 25ms);  // too long to wait for
  retry.fixed_backoff = true;
  EXPECT_EQ(pause_before(retry, 1, {}, 0), 25ms);
  EXPECT_FALSE(retriable(default_retry(false, 3), Failure::kReset, 0));
  EXPECT_TRUE(retriable(default_retry(true, 3), Failure::kStatus, 503));
  EXPECT_FALSE(retriable(default_retry(true, 3), Failure::kStatus, 500));
  EXPECT_EQ(parse_retry_after("7"), Duration(7s));
  EXPECT_EQ(parse_retry_after("Wed, 21 Oct 2026 07:28:00 GMT"), std::nullopt);
}

TEST(Retry, WeightsAreSharesAndASeedRepeatsThem) {
  const std::vector<std::uint32_t> weights = {1, 0, 3};
  std::mt19937_64 random(11), again(11);
  std::vector<int> count(3);
  for (int i = 0; i < 4000; ++i) {
    const auto chosen = choose_weighted(weights, random());
    EXPECT_EQ(chosen, choose_weighted(weights, again()));
    ++count[*chosen];
  }
  EXPECT_EQ(count[1], 0);
  EXPECT_NEAR(count[0], 1000, 120);
  EXPECT_EQ(choose_weighted(std::vector<std::uint32_t>{0, 0}, 5), std::nullopt);
}

}  // namespace
}  // namespace nacelle::gateway
