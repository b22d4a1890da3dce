#include "router/core/decide.h"
#include "router/testing/router_fixture.h"

namespace nacelle::router {
namespace {

using testing::kStart;
using testing::label;
using testing::pool_of;
using testing::request_of;
using testing::router_of;

// router.md Annex B: default configuration, three pods with (queue, kv) = (3, 0.2), (0, 0.1),
// (10, 0.2), nothing cached.
TEST(Decide, TheWorkedExampleOfTheFactSheet) {
  auto setup = load_router_setup("", "");
  ASSERT_TRUE(setup);
  PoolSnapshot pool = pool_of(3);
  const double queue[] = {3, 0, 10}, kv[] = {0.2, 0.1, 0.2};
  for (std::size_t i = 0; i < 3; ++i) {
    pool.endpoints[i].metrics.waiting_requests = queue[i];
    pool.endpoints[i].metrics.kv_usage = kv[i];
  }
  DecisionInput input;
  input.pool = std::make_shared<const PoolView>(std::make_shared<const PoolSnapshot>(pool));
  input.now = kStart;
  input.request.model = "b";
  input.load_requests.resize(3);
  input.load_tokens.resize(3);
  input.unseen_requests.resize(3);
  input.prefix.resize(1);
  input.prefix[0].total_blocks = 1;
  input.prefix[0].matched = {0, 0, 0};
  DecisionScratch scratch;
  Decision decision;
  DecisionTrace trace;
  decide(setup->schedule, input, scratch, decision, &trace);
  ASSERT_TRUE(decision.ok());
  ASSERT_EQ(trace.runs.size(), 1u);
  const DecisionTrace::ProfileRun& run = trace.runs[0];
  using Values = std::vector<double>;
  EXPECT_EQ(run.scorers[0].scores, (Values{0.7, 1, 0}));
  EXPECT_EQ(run.scorers[0].weight, 2);
  EXPECT_EQ(run.scorers[1].scores, (Values{0.8, 0.9, 0.8}));
  EXPECT_EQ(run.scorers[2].scores, (Values{0, 0, 0}));
  EXPECT_EQ(run.scorers[2].weight, 3);
  EXPECT_DOUBLE_EQ(run.totals[0], 3.0);
  EXPECT_DOUBLE_EQ(run.totals[1], 3.8);
  EXPECT_DOUBLE_EQ(run.totals[2], 1.6);
  EXPECT_EQ(pool.endpoints[decision.targets()[0].position].address, "10.0.0.2:8000");
}

// The same, through the router with real hashes of the prompt.
TEST(Decide, TheWorkedExampleEndToEnd) {
  Router router(std::move(load_router_setup("", "")->schedule));
  PoolSnapshot pool = pool_of(3);
  const double queue[] = {3, 0, 10}, kv[] = {0.2, 0.1, 0.2};
  for (std::size_t i = 0; i < 3; ++i) {
    pool.endpoints[i].metrics.waiting_requests = queue[i];
    pool.endpoints[i].metrics.kv_usage = kv[i];
  }
  router.publish(std::make_shared<const PoolSnapshot>(pool));
  const PrefixHashOptions options = router.prefix_hash_options();
  EXPECT_EQ(options.block_size_tokens, 64u);
  EXPECT_EQ(options.max_blocks, 2048u);
  std::vector<std::uint64_t> hashes;
  append_text_prefix_hashes(prefix_seed("b", ""), "hi", options, hashes);
  ASSERT_EQ(hashes.size(), 1u);
  RoutingRequest request;
  request.block_hashes = hashes;
  request.prompt_tokens = estimated_tokens("hi");
  request.model = "b";
  auto placement = router.pick(request, kStart);
  ASSERT_TRUE(placement);
  EXPECT_EQ(placement->address(), "10.0.0.2:8000");
  EXPECT_DOUBLE_EQ(placement->score(), 3.8);
  EXPECT_TRUE(placement->set_headers().empty());
}

TEST(Decide, RefusalsSayHowTheEdgeAnswers) {
  struct Case {
    const char* name;
    const char* config;
    int http;
    std::string_view reason;
  };
  const Case cases[] = {
      {"filters drained all", "plugins: [{type: prefill-filter}]", 429, kReasonSaturated},
      {"no such subset", "plugins: [{type: queue-scorer}]", 503, kReasonNoEndpoints},
      {"not cached and preferred so", "plugins: [{type: prefix-cache-scorer}]", 412, ""},
  };
  for (const Case& c : cases) {
    auto router = router_of(c.config, pool_of(2));
    RoutingRequest request = request_of({});
    const std::string_view nobody[] = {"10.9.9.9:1"};
    if (c.http == 503) request.subset = nobody;
    request.prefer_if_available = c.http == 412;
    Refusal refusal;
    EXPECT_FALSE(router->pick(request, kStart, refusal)) << c.name;
    EXPECT_EQ(refusal.http_status, c.http) << c.name;
    EXPECT_EQ(refusal.reason, c.reason) << c.name;
    EXPECT_EQ(router->load_of(EndpointId{0}).requests + router->load_of(EndpointId{1}).requests,
              0u);
  }
}

TEST(Decide, TheSubsetHintNarrowsThePool) {
  auto router = router_of("plugins: [{type: queue-scorer}]", pool_of(4));
  const std::string_view subset[] = {"10.0.0.3:8000", "10.0.0.9:8000"};
  for (std::uint64_t seed = 0; seed < 8; ++seed) {
    RoutingRequest request = request_of({}, seed);
    request.subset = subset;
    EXPECT_EQ(router->pick(request, kStart)->address(), "10.0.0.3:8000");
  }
}

TEST(Decide, AnAdmitterRefusesBeforeScheduling) {
  PoolSnapshot pool = pool_of(2);
  for (auto& endpoint : pool.endpoints) endpoint.metrics.waiting_requests = 50;
  auto router = router_of("plugins: [{type: probabilistic-admitter}]", pool);
  RoutingRequest request = request_of({});
  request.priority = -1;
  Refusal refusal;
  EXPECT_FALSE(router->pick(request, kStart, refusal));
  EXPECT_EQ(refusal.http_status, 500);
  EXPECT_TRUE(refusal.status.message().starts_with("request cannot be admitted: "));
  request.priority = 0;
  EXPECT_TRUE(router->pick(request, kStart));
}

TEST(Decide, FallbacksAreOrderedDestinations) {
  PoolSnapshot pool = pool_of(3);
  for (std::size_t i = 0; i < 3; ++i) {
    pool.endpoints[i].metrics.waiting_requests = static_cast<double>(i);
  }
  auto router = router_of(
      "plugins: [{type: queue-scorer}, {type: max-score-picker, parameters: {maxNumOfEndpoints: "
      "2}}]",
      pool);
  auto placement = router->pick(request_of({}), kStart);
  ASSERT_TRUE(placement);
  ASSERT_EQ(placement->destinations().size(), 2u);
  EXPECT_EQ(placement->destinations()[0].address, "10.0.0.1:8000");
  EXPECT_EQ(placement->destinations()[1].address, "10.0.0.2:8000");
  EXPECT_EQ(router->load_of(EndpointId{0}).requests, 1u);
  EXPECT_EQ(router->load_of(EndpointId{1}).requests, 0u);
}

}  // namespace
}  // namespace nacelle::router
