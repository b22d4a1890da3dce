#include <algorithm>

#include "router/testing/router_fixture.h"

namespace nacelle::router {
namespace {

using testing::kStart;
using testing::label;
using testing::pool_of;
using testing::request_of;
using testing::router_of;

// 200 equal requests before any scrape: each pick sees the ones before it.
std::vector<int> burst(std::string_view config, std::uint32_t endpoints) {
  auto router = router_of(config, pool_of(endpoints));
  const std::vector<std::uint64_t> hashes = {1, 2, 3, 4, 5, 6, 7, 8};
  std::vector<Placement> held;
  std::vector<int> count(endpoints);
  for (std::uint64_t i = 0; i < 200; ++i) {
    held.push_back(router->pick(request_of(hashes, i * 0x9E3779B97F4A7C15u), kStart).value());
    ++count[held.back().id().value];
  }
  return count;
}

TEST(Burst, EqualRequestsSpreadEvenlyByEveryMeasureOfLoad) {
  for (const char* scorer : {"queue-scorer", "active-request-scorer", "load-aware-scorer"}) {
    const auto count = burst("plugins: [{type: " + std::string(scorer) + "}]", 8);
    for (const int n : count) EXPECT_EQ(n, 25) << scorer;
  }
}

// A prefix (3) weighs more than any queue (2): who wants these weights and bursts names a detector.
TEST(Burst, UpstreamsDefaultsAloneKeepEqualRequestsTogether) {
  auto count = burst(R"(
plugins:
- type: queue-scorer
- type: kv-cache-utilization-scorer
- type: prefix-cache-scorer
schedulingProfiles:
- name: default
  plugins:
  - {pluginRef: queue-scorer, weight: 2}
  - {pluginRef: kv-cache-utilization-scorer, weight: 2}
  - {pluginRef: prefix-cache-scorer, weight: 3}
)",
                     8);
  std::sort(count.begin(), count.end());
  EXPECT_EQ(count.back(), 200);
}

TEST(Burst, WithAPrefixScorerTheDetectorSpreadsThem) {
  // A configured detector takes an endpoint out while it is full, so the others learn the prefix.
  const auto count = burst(R"(
plugins:
- type: queue-scorer
- type: kv-cache-utilization-scorer
- type: prefix-cache-scorer
- type: utilization-detector
schedulingProfiles:
- name: default
  plugins:
  - {pluginRef: queue-scorer, weight: 2}
  - {pluginRef: kv-cache-utilization-scorer, weight: 2}
  - {pluginRef: prefix-cache-scorer, weight: 3}
saturationDetector: {pluginRef: utilization-detector}
)",
                           8);
  for (const int n : count) EXPECT_EQ(n, 25);
}

TEST(Burst, TheNextScrapeReplacesWhatWasCounted) {
  PoolSnapshot pool = pool_of(2);
  auto router = router_of("plugins: [{type: queue-scorer}]", pool);
  Placement first = router->pick(request_of({}), kStart).value();
  EXPECT_NE(router->pick(request_of({}), kStart)->id(), first.id());
  // The engine took the request from its queue; the other one has a queue by now.
  for (auto& endpoint : pool.endpoints) {
    endpoint.metrics.updated = kStart + std::chrono::milliseconds(50);
    endpoint.metrics.waiting_requests = endpoint.id == first.id() ? 0 : 1;
  }
  router->publish(std::make_shared<const PoolSnapshot>(pool));
  EXPECT_EQ(router->pick(request_of({}), kStart + std::chrono::milliseconds(60))->id(), first.id());
}

TEST(Reservation, CountsEstimatedOutputWhenConfigured) {
  const auto tokens = [](std::string_view parameters, std::uint64_t max_output) {
    auto router = router_of(
        "plugins: [{type: inflight-load-producer, parameters: " + std::string(parameters) + "}]",
        pool_of(1));
    const std::vector<std::uint64_t> hashes = {1, 2};  // 128 tokens
    RoutingRequest request = request_of(hashes);
    request.max_output_tokens = max_output;
    auto placement = router->pick(request, kStart);
    return router->load_of(EndpointId{0}).tokens;
  };
  EXPECT_EQ(tokens("{}", 0), 128u);
  EXPECT_EQ(tokens("{addEstimatedOutputTokens: true}", 0), 128u + 192u);
  EXPECT_EQ(tokens("{addEstimatedOutputTokens: true, outputRatio: 0.5}", 0), 128u + 64u);
  EXPECT_EQ(tokens("{addEstimatedOutputTokens: true}", 50), 128u + 50u);
  EXPECT_EQ(tokens("{addEstimatedOutputTokens: true, maxEstimatedOutputTokens: 7}", 50), 135u);
}

// An index that holds the first three blocks on endpoint 1.
class FakeIndex final : public PrefixMatchSource {
 public:
  void match(std::span<const std::uint64_t> hashes, std::span<std::uint32_t> matched,
             std::span<std::uint32_t> cached) override {
    if (matched.size() < 2 || hashes.size() < 3) return;
    matched[1] = 2;
    cached[1] = 3;
  }
  void placed(EndpointId endpoint, std::span<const std::uint64_t>, TimePoint) override {
    last_placed = endpoint;
  }
  void forget(EndpointId endpoint) override { last_forgotten = endpoint; }
  EndpointId last_placed{99}, last_forgotten{99};
};

TEST(PreciseProducer, ReadsTheIndexThatIsAttached) {
  auto router = router_of(R"(
plugins:
- {type: precise-prefix-cache-producer, parameters: {speculativeIndexing: true}}
- {type: prefix-cache-scorer, parameters: {prefixMatchInfoProducerName:
   precise-prefix-cache-producer}}
)",
                          pool_of(3));
  EXPECT_TRUE(router->wants_prefix_source());
  auto index = std::make_shared<FakeIndex>();
  router->attach(index);
  EXPECT_FALSE(router->wants_prefix_source());
  const std::vector<std::uint64_t> hashes = {1, 2, 3, 4};
  RoutingRequest request = request_of({});
  request.precise_hashes = hashes;
  auto placement = router->pick(request, kStart);
  ASSERT_TRUE(placement);
  EXPECT_EQ(placement->id(), EndpointId{1});
  EXPECT_EQ(placement->matched_blocks(), 2u);
  EXPECT_EQ(placement->total_blocks(), 4u);
  EXPECT_EQ(index->last_placed, EndpointId{1});
  router->publish(std::make_shared<const PoolSnapshot>(pool_of(1)));
  EXPECT_TRUE(index->last_forgotten == EndpointId{1} || index->last_forgotten == EndpointId{2});
}

}  // namespace
}  // namespace nacelle::router
