#include "router/signals/engine_metrics.h"

#include <gtest/gtest.h>

namespace nacelle::router {
namespace {

TEST(EngineMetrics, ReadsWhatRoutingNeeds) {
  EndpointMetrics metrics;
  const int found = extract_engine_metrics(R"(# HELP vllm:num_requests_running Running.
# TYPE vllm:num_requests_running gauge
vllm:num_requests_running{engine="0",model_name="demo"} 3.0
vllm:num_requests_waiting{engine="0",model_name="demo"} 7
vllm:num_requests_waiting_by_reason{engine="0",reason="capacity"} 99
vllm:kv_cache_usage_perc{engine="0",model_name="demo"} 0.25
vllm:cache_config_info{block_size="16",num_gpu_blocks="4096",engine="0"} 1.0
)",
                                           metrics);
  EXPECT_EQ(found, 4);
  EXPECT_EQ(metrics.running_requests, 3);
  EXPECT_EQ(metrics.waiting_requests, 7);
  EXPECT_EQ(metrics.kv_usage, 0.25);
  EXPECT_EQ(metrics.block_size_tokens, 16u);
  EXPECT_EQ(metrics.num_blocks, 4096u);
}

TEST(EngineMetrics, NonsenseKeepsTheOldValues) {
  EndpointMetrics metrics;
  metrics.waiting_requests = 5;
  metrics.num_blocks = 10;
  extract_engine_metrics(
      "vllm:num_requests_waiting NaN\nvllm:num_requests_waiting -3\n"
      "vllm:kv_cache_usage_perc 40\nvllm:cache_config_info{num_gpu_blocks=\"None\"} "
      "1\ngarbage{{{\n",
      metrics);
  EXPECT_EQ(metrics.waiting_requests, 5);
  EXPECT_EQ(metrics.kv_usage, 0);
  EXPECT_EQ(metrics.num_blocks, 10u);
}

}  // namespace
}  // namespace nacelle::router
