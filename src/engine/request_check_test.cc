#include "engine/request_check.h"

#include <gtest/gtest.h>

#include <functional>
#include <limits>

namespace nacelle::engine {
namespace {

constexpr std::uint32_t kVocab = 10;
constexpr float kInfinity = std::numeric_limits<float>::infinity();
constexpr float kNan = std::numeric_limits<float>::quiet_NaN();

EngineConfig good_config() {
  EngineConfig config;
  config.num_blocks = 10;
  config.max_model_len = 20;
  return config;
}

Request good_request() {
  Request request;
  request.prompt = {1, 2, 3};
  return request;
}

TEST(RequestCheck, OrdinaryOnesPass) {
  EXPECT_TRUE(check_config(good_config(), kVocab).ok());
  EXPECT_TRUE(check_request(good_request(), good_config(), kVocab).ok());
}

TEST(RequestCheck, RequestsThatCouldNotRunAreRefused) {
  struct Row {
    const char* message;  // a part of it
    std::function<void(Request&)> spoil;
  };
  const std::vector<Row> rows = {
      {"prompt is empty", [](Request& r) { r.prompt.clear(); }},
      {"20 tokens, this engine accepts 19", [](Request& r) { r.prompt.resize(20, 1); }},
      {"token id 10", [](Request& r) { r.prompt[1] = 10; }},
      {"token id -1", [](Request& r) { r.prompt[1] = -1; }},
      {"stop_token_ids", [](Request& r) { r.params.stop_token_ids = {99}; }},
      {"allowed_token_ids",
       [](Request& r) {
         r.params.allowed_token_ids = {1, 10};
       }},
      {"bad_words",
       [](Request& r) {
         r.params.bad_words = {{1}, {2, 10}};
       }},
      {"logit_bias",
       [](Request& r) {
         r.params.logit_bias = {{10, 1.0f}};
       }},
      {"logit_bias",
       [](Request& r) {
         r.params.logit_bias = {{1, kNan}};
       }},
      {"temperature is -1", [](Request& r) { r.params.temperature = -1; }},
      {"temperature", [](Request& r) { r.params.temperature = kNan; }},
      {"temperature", [](Request& r) { r.params.temperature = kInfinity; }},
      {"top_p", [](Request& r) { r.params.top_p = 0; }},
      {"top_p", [](Request& r) { r.params.top_p = 1.5f; }},
      {"min_p", [](Request& r) { r.params.min_p = -0.1f; }},
      {"repetition_penalty", [](Request& r) { r.params.repetition_penalty = 0; }},
      {"presence_penalty", [](Request& r) { r.params.presence_penalty = kInfinity; }},
      {"frequency_penalty", [](Request& r) { r.params.frequency_penalty = kNan; }},
      {"max_tokens is 0", [](Request& r) { r.params.max_tokens = 0; }},
      {"resumed", [](Request& r) { r.num_resumed_tokens = 3; }},
      {"leave nothing",
       [](Request& r) {
         r.num_resumed_tokens = 2;
         r.params.max_tokens = 2;
       }},
  };
  for (const Row& row : rows) {
    Request request = good_request();
    row.spoil(request);
    const Status status = check_request(request, good_config(), kVocab);
    EXPECT_FALSE(status.ok()) << row.message;
    EXPECT_NE(status.message().find(row.message), std::string::npos) << status.message();
  }
}

TEST(RequestCheck, PromptLogprobsAreBounded) {
  EngineConfig config = good_config();
  config.max_model_len = 200000;
  Request request = good_request();
  request.prompt.resize(100000, 1);
  request.params.prompt_logprobs = 20;
  EXPECT_TRUE(check_request(request, config, 150000).ok());
  request.params.prompt_logprobs = SamplingParams::kAllLogprobs;
  EXPECT_EQ(check_request(request, config, 150000).code(), Code::kOutOfRange);
}

TEST(RequestCheck, ConfigurationsThatCouldNotRunAreRefused) {
  const std::vector<std::function<void(EngineConfig&)>> rows = {
      [](EngineConfig& c) { c.block_size = 0; },
      [](EngineConfig& c) { c.block_size = 1u << 20; },
      [](EngineConfig& c) { c.num_blocks = 1; },
      [](EngineConfig& c) { c.max_model_len = 1; },
      [](EngineConfig& c) { c.max_num_batched_tokens = 0; },
      [](EngineConfig& c) { c.max_num_seqs = 0; },
      [](EngineConfig& c) { c.max_prompt_logprob_rows = 0; },
      [](EngineConfig& c) { c.eos_token = 10; },
      [](EngineConfig& c) {
        c.enable_chunked_prefill = false;
        c.max_num_batched_tokens = 19;
      },
  };
  for (std::size_t i = 0; i < rows.size(); ++i) {
    EngineConfig config = good_config();
    rows[i](config);
    EXPECT_EQ(check_config(config, kVocab).code(), Code::kInvalidArgument) << "row " << i;
  }
  EXPECT_FALSE(check_config(good_config(), 0).ok());
  EngineConfig many_rows = good_config();
  many_rows.max_num_seqs = many_rows.max_prompt_logprob_rows = 1u << 31;
  EXPECT_EQ(check_config(many_rows, 1000).code(), Code::kInvalidArgument);
}

}  // namespace
}  // namespace nacelle::engine
