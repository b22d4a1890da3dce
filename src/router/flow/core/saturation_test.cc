#include "router/flow/core/saturation.h"

#include <cmath>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace nacelle::router::flow {
namespace {

const TimePoint kNow{std::chrono::seconds(10)};

EndpointLoad gauges(double waiting, double kv, Duration age = 0ms,
                    EndpointRole role = EndpointRole::kDecode) {
  return {.role = role,
          .metrics_known = true,
          .metrics_updated = kNow - age,
          .waiting_requests = waiting,
          .kv_usage = kv};
}
EndpointLoad in_flight(std::uint64_t requests, std::uint64_t tokens,
                       EndpointRole role = EndpointRole::kDecode) {
  return {.role = role, .in_flight_requests = requests, .in_flight_tokens = tokens};
}

double saturation(const DetectorConfig& config, const std::vector<EndpointLoad>& endpoints) {
  return make_detector(config)->read(endpoints, kNow).effective(0, 0);
}

std::vector<std::uint32_t> kept(const DetectorConfig& config,
                                const std::vector<EndpointLoad>& endpoints) {
  std::vector<std::uint32_t> out;
  make_detector(config)->keep_with_headroom(endpoints, kNow, out);
  return out;
}

TEST(Saturation, RolesComeFromTheLabel) {
  EXPECT_EQ(role_from_label(""), EndpointRole::kDecode);
  EXPECT_EQ(role_from_label("decode"), EndpointRole::kDecode);
  EXPECT_EQ(role_from_label("encode-prefill"), EndpointRole::kPrefill);
  EXPECT_EQ(role_from_label("both"), EndpointRole::kInterleaved);
  EXPECT_EQ(role_from_label("encode"), EndpointRole::kOther);
}

TEST(Saturation, UtilizationIsTheMeanOfTheFullerGauge) {
  struct Row {
    const char* what;
    std::vector<EndpointLoad> endpoints;
    double want;
  };
  const std::vector<Row> rows{
      {"an empty pool is full", {}, 1},
      {"idle", {gauges(0, 0)}, 0},
      {"the queue decides", {gauges(4, 0.4)}, 0.8},
      {"the cache decides", {gauges(1, 0.6)}, 0.75},
      {"the mean over endpoints, not clamped", {gauges(10, 0), gauges(0, 0.4)}, 1.25},
      {"stale counts as full", {gauges(0, 0, 201ms), gauges(0, 0)}, 0.5},
      {"200 ms is still fresh", {gauges(0, 0, 200ms)}, 0},
      {"never scraped counts as full", {EndpointLoad{}}, 1},
      {"a gauge that is no number counts as full", {gauges(NAN, 0)}, 1},
      {"the fuller stage decides", {gauges(5, 0, 0ms, EndpointRole::kPrefill), gauges(1, 0)}, 1},
      {"interleaved endpoints count in both stages",
       {gauges(5, 0, 0ms, EndpointRole::kPrefill), gauges(0, 0, 0ms, EndpointRole::kInterleaved)},
       0.5},
      {"encoders do not count", {gauges(50, 0, 0ms, EndpointRole::kOther), gauges(1, 0)}, 0.2},
      {"only encoders: nobody decodes", {gauges(0, 0, 0ms, EndpointRole::kOther)}, 1},
  };
  for (const Row& row : rows) EXPECT_DOUBLE_EQ(saturation({}, row.endpoints), row.want) << row.what;
}

TEST(Saturation, StaleEndpointsCanBeIgnored) {
  DetectorConfig config;
  config.staleness = StalenessPolicy::kIgnore;
  EXPECT_DOUBLE_EQ(saturation(config, {gauges(0, 0, 1s), gauges(2, 0)}), 0.4);
  EXPECT_DOUBLE_EQ(saturation(config, {gauges(0, 0, 1s)}), 1);
}

TEST(Saturation, ConcurrencyIsTheShareOfCapacity) {
  DetectorConfig config{
      .kind = DetectorKind::kConcurrency, .max_concurrency = 10, .max_token_concurrency = 1000};
  const std::vector<EndpointLoad> pool{in_flight(5, 900), in_flight(10, 0)};
  EXPECT_DOUBLE_EQ(saturation(config, pool), 0.75);
  config.mode = ConcurrencyMode::kTokens;
  EXPECT_DOUBLE_EQ(saturation(config, pool), 0.45);
  config.mode = ConcurrencyMode::kHybrid;
  EXPECT_DOUBLE_EQ(saturation(config, pool), 0.95);
  config.max_concurrency = 0;
  EXPECT_DOUBLE_EQ(saturation(config, pool), 1);
}

TEST(Saturation, FiltersKeepEndpointsWithHeadroom) {
  using ::testing::ElementsAre;
  using ::testing::IsEmpty;
  EXPECT_THAT(kept({}, {gauges(4, 0), gauges(5, 0), gauges(0, 0.8), gauges(0, 0, 1s)}),
              ElementsAre(0));
  EXPECT_THAT(kept({.headroom = 0.2}, {gauges(5, 0.9), gauges(6, 0)}), ElementsAre(0));
  EXPECT_THAT(kept({}, {gauges(9, 0), gauges(5, 0)}), ElementsAre(0, 1));  // fails open
  DetectorConfig config{.kind = DetectorKind::kConcurrency, .max_concurrency = 10};
  EXPECT_THAT(kept(config, {in_flight(9, 0), in_flight(10, 0)}), ElementsAre(0));
  EXPECT_THAT(kept(config, {in_flight(10, 0)}), IsEmpty());  // fails closed
}

// Trap 13: what the pool lets through, the filter must not refuse.
TEST(Saturation, BelowSaturationTheConcurrencyFilterIsNeverEmpty) {
  for (const auto mode :
       {ConcurrencyMode::kRequests, ConcurrencyMode::kTokens, ConcurrencyMode::kHybrid}) {
    const DetectorConfig config{.kind = DetectorKind::kConcurrency,
                                .mode = mode,
                                .max_concurrency = 4,
                                .max_token_concurrency = 40};
    const auto detector = make_detector(config);
    std::vector<EndpointLoad> pool(3);
    std::vector<std::uint32_t> left;
    std::uint64_t x = 1;
    for (int dispatched = 0; detector->read(pool, kNow).effective(0, 0) < 1; ++dispatched) {
      detector->keep_with_headroom(pool, kNow, left);
      ASSERT_FALSE(left.empty()) << dispatched;
      x = x * 6364136223846793005ULL + 1442695040888963407ULL;
      EndpointLoad& target = pool[left[(x >> 33) % left.size()]];
      target.in_flight_requests += 1;
      target.in_flight_tokens += (x >> 40) % 30;
    }
  }
}

TEST(Saturation, OneMoreRequestAddsItsShare) {
  const DetectorConfig config{.kind = DetectorKind::kConcurrency, .max_concurrency = 10};
  const std::vector<EndpointLoad> pool{in_flight(5, 0), in_flight(5, 0)};
  const PoolReading reading = make_detector(config)->read(pool, kNow);
  EXPECT_DOUBLE_EQ(reading.effective(4, 0), 0.7);
  const PoolReading by_gauge =
      make_detector({})->read(std::vector{gauges(1, 0), gauges(1, 0)}, kNow);
  EXPECT_DOUBLE_EQ(by_gauge.effective(2, 0), 0.4);
}

}  // namespace
}  // namespace nacelle::router::flow
