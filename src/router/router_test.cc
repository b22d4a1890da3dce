#include "router/router.h"

#include <gtest/gtest.h>

#include <set>
#include <thread>

#include "router/policy.h"

namespace nacelle::router {
namespace {

const TimePoint kNow{std::chrono::seconds(100)};

PoolSnapshotPtr pool_of(std::uint32_t count) {
  auto pool = std::make_shared<PoolSnapshot>();
  for (std::uint32_t i = 0; i < count; ++i) {
    EndpointSnapshot endpoint;
    endpoint.id = EndpointId{i};
    endpoint.address = "127.0.0.1:" + std::to_string(8000 + i);
    endpoint.metrics = {true, kNow, 0, 0, 0, 16, 4096};
    pool->endpoints.push_back(endpoint);
  }
  return pool;
}

std::unique_ptr<Router> router_with(std::string_view policy, PoolSnapshotPtr pool) {
  auto router = std::make_unique<Router>(make_policy(policy).value());
  router->publish(std::move(pool));
  return router;
}

RoutingRequest request_for(std::span<const std::uint64_t> hashes, std::uint64_t random = 0) {
  RoutingRequest request;
  request.block_hashes = hashes;
  request.prompt_tokens = hashes.size() * 64;
  request.random = random;
  return request;
}

TEST(Router, SendsASharedPrefixBackToWhereItWas) {
  auto router = router_with("prefix-aware", pool_of(4));
  const std::vector<std::uint64_t> hashes = {1, 2, 3, 4, 5, 6, 7, 8};
  const EndpointId first = router->pick(request_for(hashes, 2), kNow)->id();
  for (std::uint64_t random = 0; random < 20; ++random) {
    auto placement = router->pick(request_for(hashes, random), kNow);
    EXPECT_EQ(placement->id(), first);
    EXPECT_EQ(placement->matched_blocks(), 8u);
  }
}

TEST(Router, ABurstOfUnrelatedRequestsSpreads) {
  auto router = router_with("prefix-aware", pool_of(4));
  std::vector<Placement> held;
  std::vector<int> count(4);
  for (std::uint64_t i = 0; i < 200; ++i) {
    const std::vector<std::uint64_t> hashes = {1000 + i, 2000 + i};
    held.push_back(router->pick(request_for(hashes, i * 7919), kNow).value());
    ++count[held.back().id().value];
  }
  for (const int n : count) EXPECT_NEAR(n, 50, 1);
}

TEST(Router, ABurstOfOneLongPromptSpillsOverWhenItsHomeIsLoaded) {
  auto router = router_with("prefix-aware", pool_of(4));
  std::vector<Placement> held;
  std::set<std::uint32_t> used;
  // The shared part is an eighth of each prompt: staying together would queue 200 * 14k tokens.
  for (std::uint64_t i = 0; i < 200; ++i) {
    std::vector<std::uint64_t> hashes(256);
    for (std::size_t b = 0; b < hashes.size(); ++b) hashes[b] = b < 32 ? b + 1 : (i + 1) * 1000 + b;
    held.push_back(router->pick(request_for(hashes, i), kNow).value());
    used.insert(held.back().id().value);
  }
  EXPECT_EQ(used.size(), 4u);
}

TEST(Router, ABurstOfEqualRequestsSpreads) {
  auto router = router_with("prefix-aware", pool_of(4));
  const std::vector<std::uint64_t> hashes = {1, 2, 3, 4, 5, 6, 7, 8};
  std::vector<Placement> held;
  std::vector<int> count(4);
  for (std::uint64_t i = 0; i < 200; ++i) {
    held.push_back(router->pick(request_for(hashes, i), kNow).value());
    ++count[held.back().id().value];
  }
  for (const int n : count) EXPECT_GE(n, 20);
}

TEST(Router, ReleasesTokensAtTheFirstByteAndTheRequestAtTheEnd) {
  auto router = router_with("prefix-aware", pool_of(1));
  const std::vector<std::uint64_t> hashes = {1, 2};
  {
    auto placement = router->pick(request_for(hashes), kNow);
    EXPECT_EQ(router->load_of(EndpointId{0}).tokens, 128u);
    EXPECT_EQ(router->load_of(EndpointId{0}).requests, 1u);
    placement->on_first_byte();
    placement->on_first_byte();
    EXPECT_EQ(router->load_of(EndpointId{0}).tokens, 0u);
    EXPECT_EQ(router->load_of(EndpointId{0}).requests, 1u);
    Placement moved = std::move(*placement);
  }
  EXPECT_EQ(router->load_of(EndpointId{0}).requests, 0u);
}

TEST(Router, AvoidsDeadAndTriedEndpointsAndFailsOpen) {
  auto pool = std::make_shared<PoolSnapshot>(*pool_of(3));
  pool->endpoints[0].serving = false;
  auto router = router_with("round-robin", pool);
  const std::vector<EndpointId> tried = {EndpointId{1}};
  RoutingRequest request = request_for({});
  request.excluded = tried;
  EXPECT_EQ(router->pick(request, kNow)->id(), EndpointId{2});
  const std::vector<EndpointId> two = {EndpointId{1}, EndpointId{2}};
  request.excluded = two;
  EXPECT_EQ(router->pick(request, kNow)->id(), EndpointId{0});  // better a doubtful one than none
  const std::vector<EndpointId> all = {EndpointId{0}, EndpointId{1}, EndpointId{2}};
  request.excluded = all;
  EXPECT_EQ(router->pick(request, kNow).error().code(), Code::kUnavailable);
  router->publish(std::make_shared<PoolSnapshot>());
  EXPECT_EQ(router->pick(request_for({}), kNow).error().message(),
            "no endpoints available for the given request");
}

TEST(Router, RoundRobinVisitsAllInTurn) {
  auto router = router_with("round-robin", pool_of(3));
  std::vector<std::uint32_t> order;
  for (int i = 0; i < 6; ++i) order.push_back(router->pick(request_for({}), kNow)->id().value);
  EXPECT_EQ(order, (std::vector<std::uint32_t>{0, 1, 2, 0, 1, 2}));
}

TEST(Router, StaleMetricsGiveWayToOwnCounters) {
  auto pool = std::make_shared<PoolSnapshot>(*pool_of(2));
  pool->endpoints[0].metrics.waiting_requests = 50;
  auto router = router_with("prefix-aware", pool);
  EXPECT_EQ(router->pick(request_for({}), kNow)->id(), EndpointId{1});
  // An hour later the gauge of endpoint 0 means nothing; endpoint 1 holds a request of ours.
  Placement held = router->pick(request_for({}), kNow).value();
  ASSERT_EQ(held.id(), EndpointId{1});
  EXPECT_EQ(router->pick(request_for({}), kNow + std::chrono::hours(1))->id(), EndpointId{0});
}

TEST(Router, ARestartedEndpointLosesItsPrefixes) {
  auto router = router_with("prefix-aware", pool_of(2));
  const std::vector<std::uint64_t> hashes = {1, 2, 3};
  const EndpointId home = router->pick(request_for(hashes), kNow)->id();
  router->forget_prefixes(home);
  EXPECT_EQ(router->pick(request_for(hashes), kNow)->matched_blocks(), 0u);
}

TEST(Router, PicksFromManyThreadsBalance) {
  auto router = router_with("least-loaded", pool_of(4));
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&router, t] {
      for (std::uint64_t i = 0; i < 2000; ++i) {
        const std::vector<std::uint64_t> hashes = {i % 50, i};
        auto placement = router->pick(request_for(hashes, i + static_cast<std::uint64_t>(t)), kNow);
        ASSERT_TRUE(placement);
        if (i % 2 == 0) placement->on_first_byte();
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  for (std::uint32_t e = 0; e < 4; ++e) {
    EXPECT_EQ(router->load_of(EndpointId{e}).requests, 0u);
    EXPECT_EQ(router->load_of(EndpointId{e}).tokens, 0u);
  }
}

TEST(Policy, NamesThePoliciesThereAre) {
  EXPECT_EQ(make_policy("fastest").error().message(),
            "unknown policy 'fastest'; there are prefix-aware, least-loaded, round-robin, random");
}

}  // namespace
}  // namespace nacelle::router
