#include "telemetry/twin_metric.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace nacelle::telemetry {
namespace {

TEST(TwinMetric, BothNamesGetTheValueAndTheOldOneItsOwnLabels) {
  Metrics metrics;
  const auto family =
      twin_gauge(metrics, {.name = "llm_d_epp_per_endpoint_queue_size",
                           .old_name = "inference_pool_per_pod_queue_size",
                           .help = "Waiting.",
                           .labels = {"name", "model_server_endpoint"},
                           .old_labels = {{"model_server_pod", "model_server_endpoint"}}});
  family.with({"pool", "a"}).set(3);
  EXPECT_EQ(metrics.serialize(),
            "# HELP inference_pool_per_pod_queue_size [ALPHA] [Deprecated: Use "
            "llm_d_epp_per_endpoint_queue_size] Waiting.\n"
            "# TYPE inference_pool_per_pod_queue_size gauge\n"
            "inference_pool_per_pod_queue_size{model_server_pod=\"a\"} 3\n"
            "# HELP llm_d_epp_per_endpoint_queue_size [ALPHA] Waiting.\n"
            "# TYPE llm_d_epp_per_endpoint_queue_size gauge\n"
            "llm_d_epp_per_endpoint_queue_size{name=\"pool\",model_server_endpoint=\"a\"} 3\n");
}

TEST(TwinMetric, ANameWithoutPastStandsAlone) {
  Metrics metrics;
  twin_counter(metrics, {.name = "x_total", .old_name = "", .help = "X.", .labels = {}})
      .with({})
      .increment();
  EXPECT_THAT(metrics.serialize(), ::testing::HasSubstr("x_total 1"));
}

}  // namespace
}  // namespace nacelle::telemetry
