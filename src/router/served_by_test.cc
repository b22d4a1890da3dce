// A request that a fallback served: load, prefix and session follow it.
#include <gmock/gmock.h>

#include "router/scorer/session_affinity/session_binding.h"
#include "router/testing/router_fixture.h"

namespace nacelle::router {
namespace {

using testing::kStart;
using testing::pool_of;
using testing::request_of;
using testing::router_of;

constexpr std::string_view kTwoDestinations = R"(
plugins:
- {type: prefix-cache-scorer}
- {type: max-score-picker, parameters: {maxNumOfEndpoints: 2}}
)";
const std::vector<std::uint64_t> kPrompt = {1, 2, 3, 4};

std::uint32_t matched_on(Router& router, std::uint32_t endpoint,
                         std::span<const std::uint64_t> hashes = kPrompt) {
  const std::string address = router.pool()->endpoints[endpoint].address;
  const std::string_view only[] = {address};
  RoutingRequest request = request_of(hashes);
  request.subset = only;
  return router.pick(request, kStart)->matched_blocks();
}

TEST(ServedBy, LoadAndPrefixMoveToTheFallback) {
  const auto router = router_of(kTwoDestinations, pool_of(2));
  Placement placement = router->pick(request_of(kPrompt), kStart).value();
  const EndpointId first = placement.id();
  const EndpointId second{1 - first.value};
  const std::string address = placement.destinations()[1].address;
  const std::uint64_t tokens = router->load_of(first).tokens;
  ASSERT_GT(tokens, 0u);

  EXPECT_TRUE(router->served_by(placement, address, {}, kStart));
  EXPECT_EQ(placement.id(), second);
  EXPECT_EQ(placement.address(), address);
  EXPECT_EQ(placement.destinations()[1].id, first);
  EXPECT_EQ(router->load_of(first).requests, 0u);
  EXPECT_EQ(router->load_of(first).tokens, 0u);
  EXPECT_EQ(router->load_of(second).requests, 1u);
  EXPECT_EQ(router->load_of(second).tokens, tokens);
  EXPECT_FALSE(router->served_by(placement, address, {}, kStart)) << "a second report";
  placement.on_first_byte();
  EXPECT_EQ(router->load_of(second).tokens, 0u);
  placement.release();
  EXPECT_EQ(router->load_of(second).requests, 0u);

  EXPECT_EQ(matched_on(*router, first.value), 0u);
  const auto other = router_of(kTwoDestinations, pool_of(2));  // matched_on() leaves entries
  Placement again = other->pick(request_of(kPrompt), kStart).value();
  const std::uint32_t fallback = 1 - again.id().value;
  (void)other->served_by(again, again.destinations()[1].address, {}, kStart);
  EXPECT_EQ(matched_on(*other, fallback), 4u);
}

TEST(ServedBy, WhatTheFirstHeldBeforeStaysThere) {
  const auto router = router_of(kTwoDestinations, pool_of(2));
  const std::vector<std::uint64_t> head = {1, 2};
  const EndpointId home = router->pick(request_of(head), kStart)->id();
  Placement placement = router->pick(request_of(kPrompt), kStart).value();
  ASSERT_EQ(placement.id(), home);
  ASSERT_TRUE(router->served_by(placement, placement.destinations()[1].address, {}, kStart));
  EXPECT_EQ(matched_on(*router, home.value), 2u);
}

TEST(ServedBy, TheFirstAndStrangersMoveNothing) {
  const auto router = router_of(kTwoDestinations, pool_of(2));
  Placement placement = router->pick(request_of(kPrompt), kStart).value();
  const EndpointId first = placement.id();
  EXPECT_FALSE(router->served_by(placement, placement.address(), {}, kStart));
  for (const char* stranger : {"10.9.9.9:8000", "", "nonsense"}) {
    EXPECT_FALSE(router->served_by(placement, stranger, {}, kStart)) << stranger;
  }
  EXPECT_EQ(placement.id(), first);
  EXPECT_EQ(router->load_of(first).requests, 1u);
  Placement nowhere;
  EXPECT_FALSE(router->served_by(nowhere, "10.0.0.1:8000", {}, kStart));
}

// A proxy that is set to fail open goes anywhere in the pool.
TEST(ServedBy, AnEndpointThatWasNotListedTakesTheLoad) {
  const auto router = router_of("plugins: [{type: queue-scorer}]", pool_of(3));
  Placement placement = router->pick(request_of(kPrompt), kStart).value();
  const EndpointId first = placement.id();
  const EndpointId other{(first.value + 1) % 3};
  const std::string address = router->pool()->endpoints[other.value].address;
  EXPECT_TRUE(router->served_by(placement, address, {}, kStart));
  EXPECT_EQ(placement.address(), address);
  EXPECT_EQ(router->load_of(first).requests, 0u);
  EXPECT_EQ(router->load_of(other).requests, 1u);
}

TEST(ServedBy, AnEndpointThatLeftMeanwhileIsLeftAlone) {
  const auto router = router_of(kTwoDestinations, pool_of(2));
  Placement placement = router->pick(request_of(kPrompt), kStart).value();
  const std::string fallback = placement.destinations()[1].address;
  PoolSnapshot rest = pool_of(2);
  std::erase_if(rest.endpoints, [&](const auto& each) { return each.address == fallback; });
  router->publish(std::make_shared<const PoolSnapshot>(rest));
  EXPECT_FALSE(router->served_by(placement, fallback, {}, kStart));
  EXPECT_EQ(router->load_of(placement.id()).requests, 1u);
}

TEST(ServedBy, ASessionIsBoundToWhoServedIt) {
  for (const bool by_token : {true, false}) {
    SCOPED_TRACE(by_token);
    const auto router = router_of(
        by_token ? "plugins: [{type: session-affinity-scorer}, {type: max-score-picker, "
                   "parameters: {maxNumOfEndpoints: 2}}]"
                 : "plugins: [{type: session-affinity-scorer, parameters: {strategy: session_id}}, "
                   "{type: max-score-picker, parameters: {maxNumOfEndpoints: 2}}]",
        pool_of(2));
    const HeaderView headers[] = {{"x-session-id", "s1"}};
    RoutingRequest request = request_of(kPrompt);
    request.headers = headers;
    Placement placement = router->pick(request, kStart).value();
    const Placement::Destination fallback = placement.destinations()[1];
    ASSERT_TRUE(router->served_by(placement, fallback.address, headers, kStart));
    if (by_token) {
      const std::string token = encode_session_token(router->pool()->endpoints[fallback.id.value]);
      EXPECT_EQ(placement.response_headers(),
                (std::vector<HeaderValue>{{"x-session-token", token}}));
      continue;
    }
    for (std::uint64_t random = 0; random < 20; ++random) {
      request.random = random;
      EXPECT_EQ(router->pick(request, kStart)->id(), fallback.id);
    }
  }
}

TEST(Scores, OfAllThatThePrimaryProfileScored) {
  PoolSnapshot pool = pool_of(3);
  testing::label(pool, 1, {{"llm-d.ai/role", "prefill"}});
  pool.endpoints[2].metrics.waiting_requests = 4;
  const auto router = router_of(
      "plugins: [{type: decode-filter}, {type: queue-scorer}, {type: max-score-picker}]", pool);
  EXPECT_TRUE(router->pick(request_of(kPrompt), kStart)->scores().empty());
  router->tell_scores();
  const Placement placement = router->pick(request_of(kPrompt), kStart).value();
  ASSERT_EQ(placement.scores().size(), 2u);  // the filter's
  EXPECT_EQ(placement.scores()[0].address, "10.0.0.1:8000");
  EXPECT_EQ(placement.scores()[1].address, "10.0.0.3:8000");
  EXPECT_GT(placement.scores()[0].score, placement.scores()[1].score);
  EXPECT_EQ(placement.score(), placement.scores()[0].score);
}

}  // namespace
}  // namespace nacelle::router
