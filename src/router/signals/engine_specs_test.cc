#include "router/signals/engine_specs.h"

#include <gtest/gtest.h>

#include "router/signals/engine_metrics.h"

namespace nacelle::router {
namespace {

TEST(MetricSpec, IsANameWithLabels) {
  const auto spec = parse_metric_spec(" a:b { x = 1, y=\"two\" } ");
  EXPECT_FALSE(spec);  // no blanks around a label's name
  const auto good = parse_metric_spec("a:b{x=1,y=\"two\"}");
  ASSERT_TRUE(good);
  EXPECT_EQ(good->name, "a:b");
  EXPECT_EQ(good->labels,
            (std::vector<std::pair<std::string, std::string>>{{"x", "1"}, {"y", "two"}}));
  for (const char* bad : {"", "1a", "a{", "a{x}", "a b", "a{x=1"}) {
    EXPECT_FALSE(parse_metric_spec(bad)) << bad;
  }
}

EngineReading read(std::string_view engine, std::string_view text, EngineSpecs specs = {}) {
  EngineReading reading;
  extract_engine_metrics(text, *specs.find(engine), reading);
  return reading;
}

TEST(EngineSpecs, ReadTheGaugesOfEachEngine) {
  struct Case {
    const char* engine;
    const char* text;
  };
  const Case cases[] = {
      {"vllm",
       "vllm:num_requests_waiting 3\nvllm:num_requests_running 2\nvllm:kv_cache_usage_perc 0.5\n"
       "vllm:cache_config_info{block_size=\"16\",num_gpu_blocks=\"100\"} 1\n"},
      {"sglang",
       "sglang:num_queue_reqs 3\nsglang:num_running_reqs 2\nsglang:token_usage 0.5\n"
       "sglang:cache_config_info{page_size=\"16\",num_pages=\"100\"} 1\n"},
      {"trtllm-serve",
       "trtllm_num_requests_waiting 3\ntrtllm_num_requests_running 2\n"
       "trtllm_kv_cache_utilization 0.5\ntrtllm_kv_cache_tokens_per_block 16\n"
       "trtllm_kv_cache_max_blocks 100\n"},
      {"triton-tensorrt-llm",
       "nv_trt_llm_request_metrics{request_type=\"waiting\"} 3\n"
       "nv_trt_llm_request_metrics{request_type=\"scheduled\"} 2\n"
       "nv_trt_llm_request_metrics{request_type=\"max\"} 64\n"
       "nv_trt_llm_kv_cache_block_metrics{kv_cache_block_type=\"fraction\"} 0.5\n"
       "nv_trt_llm_kv_cache_block_metrics{kv_cache_block_type=\"tokens_per\"} 16\n"
       "nv_trt_llm_kv_cache_block_metrics{kv_cache_block_type=\"max\"} 100\n"},
  };
  for (const Case& c : cases) {
    const EndpointMetrics metrics = read(c.engine, c.text).metrics;
    EXPECT_EQ(metrics.waiting_requests, 3) << c.engine;
    EXPECT_EQ(metrics.running_requests, 2) << c.engine;
    EXPECT_EQ(metrics.kv_usage, 0.5) << c.engine;
    EXPECT_EQ(metrics.block_size_tokens, 16u) << c.engine;
    EXPECT_EQ(metrics.num_blocks, 100u) << c.engine;
  }
  const EndpointMetrics triton =
      read("triton", "nv_inference_pending_request_count 3\nnv_inference_exec_count 2\n").metrics;
  EXPECT_EQ(triton.waiting_requests, 3);
  EXPECT_EQ(triton.running_requests, 2);
}

TEST(EngineSpecs, TheNewestAdapterSeriesCounts) {
  const EngineReading reading =
      read("vllm",
           "vllm:lora_requests_info{max_lora=\"4\",running_lora_adapters=\"a, b\","
           "waiting_lora_adapters=\"c\"} 200\n"
           "vllm:lora_requests_info{max_lora=\"4\",running_lora_adapters=\"old\","
           "waiting_lora_adapters=\"\"} 100\n");
  ASSERT_NE(reading.lora, nullptr);
  EXPECT_EQ(reading.lora->active, (std::vector<std::string>{"a", "b"}));
  EXPECT_EQ(reading.lora->waiting, (std::vector<std::string>{"c"}));
  EXPECT_EQ(reading.lora->max_active, 4u);
}

TEST(EngineSpecs, OwnEnginesAndCustomMetrics) {
  EngineSpecs specs;
  EngineSpec mine;
  mine.name = "vllm";  // replaces the built-in one
  mine.waiting = *parse_metric_spec("my_queue{kind=w}");
  mine.custom.push_back({"Temperature", *parse_metric_spec("gpu_temp")});
  specs.set(mine);
  const EngineReading reading =
      read("vllm",
           "my_queue{kind=\"w\"} 7\nmy_queue{kind=\"x\"} 9\ngpu_temp 40\ngpu_temp 41\n"
           "vllm:num_requests_running 2\n",
           specs);
  EXPECT_EQ(reading.metrics.waiting_requests, 7);
  EXPECT_EQ(reading.metrics.running_requests, 0);
  ASSERT_NE(reading.attributes, nullptr);
  EXPECT_EQ(*reading.attributes, (Attributes{{"Temperature", 41}}));
}

}  // namespace
}  // namespace nacelle::router
