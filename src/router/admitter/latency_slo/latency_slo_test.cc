#include "router/testing/plugin_fixture.h"

namespace nacelle::router {
namespace {

using testing::Kept;
using testing::PluginFixture;
using testing::Row;
using Scores = std::vector<double>;

TEST(LatencySloAdmitter, RefusesOnlySheddableRequestsThatNoEndpointWouldServeInTime) {
  PluginFixture f({{.kv = 0.5, .requests = 2}, {.kv = 0.5, .requests = 2}});
  f.with("latency-slo-admitter");
  f.input.request.priority = -1;
  f.input.request.slo_ttft_ms = 100;
  EXPECT_TRUE(f.admit().ok()) << "nothing is predicted";
  f.column("predicted ttft ms") = {500, 900};
  f.column("predicted tpot ms") = {1, 1};
  EXPECT_EQ(f.admit().code(), Code::kResourceExhausted);
  f.column("predicted ttft ms") = {500, 90};
  EXPECT_TRUE(f.admit().ok());
  f.column("predicted ttft ms") = {500, 900};
  f.input.request.priority = 0;
  EXPECT_TRUE(f.admit().ok());
  f.input.request.priority = -1;
  f.input.load_requests[0] = 0;
  EXPECT_TRUE(f.admit().ok()) << "an idle endpoint admits";
}

}  // namespace
}  // namespace nacelle::router
