// What a pool lets its services have while replicas come and go.
#include <gtest/gtest.h>

#include <random>

#include "control/core/llmd/pool.h"

namespace nacelle::control::llmd {
namespace {

std::vector<std::int64_t> granted(const std::vector<PoolService>& services, std::int64_t budget,
                                  Eviction policy = Eviction::kNone) {
  auto shares = allocate(services, budget, policy);
  grant(services, budget, shares);
  std::vector<std::int64_t> out;
  for (const PoolShare& share : shares) out.push_back(share.allocated);
  return out;
}
using Shares = std::vector<std::int64_t>;

TEST(PoolGrant, ALoanIsGivenOnWhenItsReplicaIsGone) {
  std::vector<PoolService> services = {
      {.name = "a", .weight = 60, .priority = kHigh, .demand = 2, .live = 1, .granted = 1},
      {.name = "b", .weight = 40, .demand = 4, .live = 3, .granted = 3}};
  EXPECT_EQ(granted(services, 4), (Shares{1, 2})) << "b drains one first";
  services[1] = {.name = "b", .weight = 40, .demand = 4, .live = 2, .ending = 1, .granted = 2};
  EXPECT_EQ(granted(services, 4), (Shares{1, 2})) << "one that ends holds its GPU";
  services[1].ending = 0;
  EXPECT_EQ(granted(services, 4), (Shares{2, 2}));
}

TEST(PoolGrant, WhoWaitsIsSaid) {
  const std::vector<PoolService> services = {
      {.name = "a", .weight = 1, .demand = 2, .live = 0, .granted = 0},
      {.name = "b", .weight = 1, .demand = 2, .live = 2, .ending = 1, .granted = 2}};
  auto shares = allocate(services, 4, Eviction::kNone);
  grant(services, 4, shares);
  EXPECT_EQ(shares[0].allocated, 1);
  EXPECT_EQ(shares[0].waits, 1);
  EXPECT_EQ(shares[0].unmet, 1);
  EXPECT_EQ(shares[1].waits, 0);
}

TEST(PoolGrant, WhatWasGrantedIsKeptWhilePodsAreReplaced) {
  const std::vector<PoolService> services = {
      {.name = "a", .weight = 1, .demand = 2, .live = 1, .ending = 1, .granted = 2},
      {.name = "b", .weight = 1, .demand = 2, .live = 2, .granted = 2}};
  EXPECT_EQ(granted(services, 4), (Shares{2, 2})) << "nobody is scaled down for a crash";
}

TEST(PoolGrant, HigherPrioritiesGrowFirst) {
  const std::vector<PoolService> services = {
      {.name = "a", .weight = 1, .priority = kNormal, .demand = 1, .granted = 0},
      {.name = "b", .weight = 1, .priority = kHigh, .demand = 1, .granted = 0},
      {.name = "c", .weight = 0, .demand = 0, .ending = 1, .granted = 0}};
  EXPECT_EQ(granted(services, 2), (Shares{0, 1, 0}));
}

TEST(PoolGrant, VictimsAreTheIdlerThenTheNewer) {
  struct Row {
    const char* name;
    PoolService b, c;
    std::int64_t b_share, c_share;
    std::int64_t a_gpus = 1;
  };
  const Row rows[] = {
      {"fewer requests in flight", {.in_flight = 2}, {.in_flight = 1}, 2, 1},
      {"as many: the newest replica", {.newest = 5}, {.newest = 4}, 1, 2},
      {"most above its entitlement", {.weight = 1, .in_flight = 9}, {.weight = 3}, 0, 2, 2},
      {"lowest priority", {.priority = kLow, .in_flight = 9}, {.priority = kNormal}, 1, 2},
  };
  for (const Row& row : rows) {
    PoolService a{.name = "a",
                  .weight = 0,
                  .priority = kHigh,
                  .gpus = row.a_gpus,
                  .demand = 1,
                  .ready = 1,
                  .under_pressure = true};
    PoolService b = row.b;
    b.name = "b";
    PoolService c = row.c;
    c.name = "c";
    b.demand = c.demand = 2;
    // They hold two each; nothing is free.
    const auto shares = allocate({a, b, c}, 4, Eviction::kLowPriority);
    EXPECT_EQ(shares[0].allocated, 1) << row.name;
    EXPECT_EQ(shares[1].allocated, row.b_share) << row.name;
    EXPECT_EQ(shares[2].allocated, row.c_share) << row.name;
    EXPECT_EQ(allocate({a, b, c}, 4, Eviction::kLowPriority, MayEvict::kNo)[0].allocated, 0)
        << row.name;
  }
}

// Pods follow what is granted, late and one at a time; demands change at any moment.
TEST(PoolGrant, PodsNeverHoldMoreThanTheBudgetAndEverybodyGetsItsShare) {
  for (std::uint32_t seed = 0; seed < 300; ++seed) {
    std::mt19937 random(seed);
    const auto budget = static_cast<std::int64_t>(1 + random() % 12);
    std::vector<PoolService> services;
    for (int i = 0; i < static_cast<int>(1 + random() % 4); ++i) {
      services.push_back({.name = std::string(1, static_cast<char>('a' + i)),
                          .weight = static_cast<std::int64_t>(random() % 5),
                          .priority = random() % 2 ? kHigh : kNormal,
                          .gpus = static_cast<std::int64_t>(1 + random() % 3),
                          .demand = static_cast<std::int64_t>(random() % 6),
                          .granted = 0});
    }
    const auto decide = [&] {
      auto shares = allocate(services, budget, Eviction::kNone);
      grant(services, budget, shares);
      for (std::size_t i = 0; i < services.size(); ++i) services[i].granted = shares[i].allocated;
    };
    const auto act = [&](PoolService& service) {
      if (service.live < *service.granted) {
        ++service.live;
      } else if (service.live > *service.granted) {
        --service.live;
        ++service.ending;
      } else if (service.ending > 0) {
        --service.ending;
      }
    };
    for (int step = 0; step < 200; ++step) {
      PoolService& one = services[random() % services.size()];
      if (random() % 8 == 0) one.demand = static_cast<std::int64_t>(random() % 6);
      if (random() % 2 == 0) decide();
      act(one);
      std::int64_t used = 0;
      for (const PoolService& each : services) used += (each.live + each.ending) * each.gpus;
      ASSERT_LE(used, budget) << "seed " << seed << ", step " << step;
    }
    for (int step = 0; step < 50; ++step) {
      decide();
      for (PoolService& each : services) act(each);
    }
    const auto shares = allocate(services, budget, Eviction::kNone);
    for (std::size_t i = 0; i < services.size(); ++i) {
      EXPECT_EQ(services[i].live, shares[i].allocated) << "seed " << seed;
    }
  }
}

}  // namespace
}  // namespace nacelle::control::llmd
