#include "openai/completion_request.h"

#include <gtest/gtest.h>

namespace nacelle::openai {
namespace {

Parsed<CompletionRequest> parse(std::string_view body) {
  return parse_completion_request(body, SamplingLimits{});
}

CompletionRequest good(std::string_view body) {
  auto parsed = parse(body);
  EXPECT_TRUE(parsed.ok()) << (parsed.ok() ? "" : to_json(parsed.error()));
  return parsed.ok() ? *parsed : CompletionRequest{};
}

struct BadRow {
  const char* name;
  const char* body;
  const char* type;
  const char* param;  // "" = null
  const char* message;
};

void expect_bad(const BadRow& row) {
  SCOPED_TRACE(row.name);
  const auto parsed = parse(row.body);
  ASSERT_FALSE(parsed.ok());
  EXPECT_EQ(parsed.error().status, 400);
  EXPECT_EQ(parsed.error().type, row.type);
  EXPECT_EQ(parsed.error().param.value_or(""), row.param);
  EXPECT_EQ(parsed.error().message, row.message);
}

constexpr const char* kBody = "Bad Request";
constexpr const char* kValue = "BadRequestError";

TEST(CompletionRequest, DefaultsOfAnEmptyishBody) {
  const auto request = good(R"({"prompt":"hi"})");
  EXPECT_EQ(std::get<std::string>(request.prompts.at(0)), "hi");
  EXPECT_EQ(request.sampling.max_tokens, 16);
  EXPECT_EQ(request.sampling.n, 1);
  EXPECT_FALSE(request.sampling.temperature.has_value());
  EXPECT_FALSE(request.common.stream);
  EXPECT_FALSE(request.common.model.has_value());
  EXPECT_TRUE(request.add_special_tokens);
}

TEST(CompletionRequest, NullMeansAbsent) {
  const auto request = good(
      R"({"prompt":"hi","n":null,"temperature":null,"stop":null,"seed":null,"stream":null,
          "logit_bias":null,"logprobs":null,"suffix":null,"response_format":null,"max_tokens":null,
          "stream_options":null,"cache_salt":null,"user":null})");
  EXPECT_EQ(request.sampling.n, 1);
  EXPECT_FALSE(request.sampling.max_tokens.has_value());  // null: as many as fit, not 16
}

TEST(CompletionRequest, UnknownFieldsAreIgnored) {
  good(R"({"prompt":"hi","best_of":7,"guided_json":{"a":[1]},"x":null})");
}

TEST(CompletionRequest, AllShapesOfPrompt) {
  EXPECT_EQ(good(R"({"prompt":["a","b"]})").prompts.size(), 2u);
  const auto ids = good(R"({"prompt":[1,2,3]})");
  ASSERT_EQ(ids.prompts.size(), 1u);
  EXPECT_EQ(std::get<1>(ids.prompts[0]), (std::vector<std::int64_t>{1, 2, 3}));
  const auto lists = good(R"({"prompt":[[1],[2,3]]})");
  ASSERT_EQ(lists.prompts.size(), 2u);
  EXPECT_EQ(std::get<1>(lists.prompts[1]), (std::vector<std::int64_t>{2, 3}));
}

TEST(CompletionRequest, ReadsEverySamplingField) {
  const auto open = parse_completion_request(
      R"({"prompt":"p","temperature":0,"top_p":0.5,"top_k":-1,"min_p":0.1,"repetition_penalty":1.1,
          "presence_penalty":-2,"frequency_penalty":2,"seed":-9223372036854775808,"n":3,
          "max_tokens":7.0,"min_tokens":2,"stop":["a","b"],"stop_token_ids":[5,6],
          "ignore_eos":true,"include_stop_str_in_output":true,"logit_bias":{"4":-200,"5":1.5},
          "allowed_token_ids":[1,2],"prompt_logprobs":-1,"skip_special_tokens":false,
          "truncate_prompt_tokens":-1,"logprobs":3,"echo":true,"priority":-4,"cache_salt":"s",
          "request_id":"r","return_token_ids":true,"return_tokens_as_token_ids":false})",
      SamplingLimits{.max_logprobs = -1});
  ASSERT_TRUE(open.ok());
  EXPECT_EQ(open->sampling.top_p, 0.5);
  EXPECT_EQ(open->sampling.min_p, 0.1);
  EXPECT_EQ(open->sampling.repetition_penalty, 1.1);
  EXPECT_EQ(open->sampling.presence_penalty, -2);
  EXPECT_EQ(open->sampling.frequency_penalty, 2);
  EXPECT_EQ(open->sampling.n, 3);
  EXPECT_EQ(open->sampling.min_tokens, 2);
  EXPECT_EQ(open->sampling.stop_token_ids, (std::vector<std::int64_t>{5, 6}));
  EXPECT_TRUE(open->sampling.ignore_eos);
  EXPECT_TRUE(open->sampling.include_stop_str_in_output);
  EXPECT_EQ(open->sampling.allowed_token_ids, (std::vector<std::int64_t>{1, 2}));
  EXPECT_FALSE(open->sampling.skip_special_tokens);
  EXPECT_EQ(open->sampling.truncate_prompt_tokens, -1);
  EXPECT_EQ(open->logprobs, 3);
  EXPECT_TRUE(open->common.echo);
  EXPECT_EQ(open->common.cache_salt, "s");
  EXPECT_EQ(open->common.request_id, "r");
  EXPECT_TRUE(open->common.return_token_ids);
  EXPECT_EQ(open->common.return_tokens_as_token_ids, false);
  EXPECT_EQ(open->sampling.temperature, 0.0);
  EXPECT_EQ(open->sampling.top_k, -1);
  EXPECT_EQ(open->sampling.seed, INT64_MIN);
  EXPECT_EQ(open->sampling.max_tokens, 7);
  EXPECT_EQ(open->sampling.stop, (std::vector<std::string>{"a", "b"}));
  ASSERT_EQ(open->sampling.logit_bias.size(), 2u);
  EXPECT_EQ(open->sampling.logit_bias[0], (std::pair<std::int64_t, double>{4, -100.0}));
  EXPECT_EQ(open->sampling.prompt_logprobs, -1);
  EXPECT_EQ(open->common.priority, -4);
}

TEST(CompletionRequest, TheLastOfTwoEqualKeysCounts) {
  EXPECT_EQ(good(R"({"prompt":"p","n":2,"n":3})").sampling.n, 3);
}

TEST(CompletionRequest, EchoWithoutOutput) {
  const auto request = good(R"({"prompt":"p","echo":true,"max_tokens":0})");
  EXPECT_TRUE(request.echo_only);
  EXPECT_EQ(request.sampling.max_tokens, 1);
}

TEST(CompletionRequest, BadBodies) {
  const BadRow rows[] = {
      {"empty", "", kBody, "", "The request body is empty; a JSON object is required."},
      {"a list", "[]", kBody, "", "The request body should be a JSON object."},
      {"a number", "1", kBody, "", "The request body should be a JSON object."},
      {"no prompt", "{}", kBody, "prompt",
       "Either prompt or prompt_embeds must be provided and non-empty."},
      {"empty prompt", R"({"prompt":""})", kBody, "prompt",
       "Either prompt or prompt_embeds must be provided and non-empty."},
      {"empty list", R"({"prompt":[]})", kBody, "prompt",
       "Either prompt or prompt_embeds must be provided and non-empty."},
      {"prompt is a number", R"({"prompt":5})", kBody, "prompt",
       "prompt: Input should be a string, a list of strings or lists of token ids."},
      {"mixed prompts", R"({"prompt":["a",[1]]})", kBody, "prompt",
       "prompt: Input should be either strings or lists of token ids, not both."},
      {"float token", R"({"prompt":[1,2.5]})", kBody, "prompt",
       "prompt: Input should be a list of token ids."},
      {"temperature is text", R"({"prompt":"p","temperature":"hot"})", kBody, "temperature",
       "temperature: Input should be a valid number."},
      {"max_tokens is text", R"({"prompt":"p","max_tokens":"many"})", kBody, "max_tokens",
       "max_tokens: Input should be a valid integer."},
      {"max_tokens is a fraction", R"({"prompt":"p","max_tokens":1.5})", kBody, "max_tokens",
       "max_tokens: Input should be a valid integer."},
      {"n beyond 64 bits", R"({"prompt":"p","n":18446744073709551615})", kBody, "n",
       "n: Input should be a valid integer."},
      {"stream is text", R"({"prompt":"p","stream":"yes"})", kBody, "stream",
       "stream: Input should be a valid boolean."},
      {"stop is a number", R"({"prompt":"p","stop":3})", kBody, "stop",
       "stop: Input should be a list of strings."},
      {"logit_bias key", R"({"prompt":"p","logit_bias":{"x":1}})", kBody, "logit_bias",
       "logit_bias: Input should be an object of token id to number."},
      {"model is a number", R"({"prompt":"p","model":1})", kBody, "model",
       "model: Input should be a valid string."},
      {"stream_options without stream", R"({"prompt":"p","stream_options":{}})", kBody,
       "stream_options", "Stream options can only be defined when `stream=True`."},
      {"prompt_logprobs with stream", R"({"prompt":"p","stream":true,"prompt_logprobs":1})", kBody,
       "prompt_logprobs", "`prompt_logprobs` are not available when `stream=True`."},
      {"empty salt", R"({"prompt":"p","cache_salt":""})", kBody, "cache_salt",
       "Parameter 'cache_salt' must be a non-empty string if provided."},
      {"salt is a number", R"({"prompt":"p","cache_salt":1})", kBody, "cache_salt",
       "Parameter 'cache_salt' must be a non-empty string if provided."},
      {"json_schema without schema", R"({"prompt":"p","response_format":{"type":"json_schema"}})",
       kBody, "response_format",
       "When response_format type is 'json_schema', the 'json_schema' field must be provided."},
      {"two constraints", R"({"prompt":"p","structured_outputs":{"json":"{}","regex":"a"}})", kBody,
       "structured_outputs",
       "You can only use one kind of constraints for structured outputs ('json', 'regex' or "
       "'choice')."},
      {"negative logprobs", R"({"prompt":"p","logprobs":-2})", kBody, "logprobs",
       "`logprobs` must be a positive value."},
  };
  for (const BadRow& row : rows) expect_bad(row);
}

TEST(CompletionRequest, BadValues) {
  const BadRow rows[] = {
      {"suffix", R"({"prompt":"p","suffix":"s"})", kValue, "suffix",
       "suffix is not currently supported"},
      {"max_tokens 0", R"({"prompt":"p","max_tokens":0})", kValue, "max_tokens",
       "max_tokens must be at least 1, got 0. (parameter=max_tokens, value=0)"},
      {"negative temperature", R"({"prompt":"p","temperature":-1})", kValue, "temperature",
       "temperature must be non-negative, got -1.0. (parameter=temperature, value=-1.0)"},
      {"top_p above 1", R"({"prompt":"p","top_p":2})", kValue, "top_p",
       "top_p must be in (0, 1], got 2.0. (parameter=top_p, value=2.0)"},
      {"top_p 0", R"({"prompt":"p","top_p":0})", kValue, "top_p",
       "top_p must be in (0, 1], got 0.0. (parameter=top_p, value=0.0)"},
      {"top_k -2", R"({"prompt":"p","top_k":-2})", kValue, "top_k",
       "top_k must be 0 (disable), or at least 1, got -2."},
      {"min_p", R"({"prompt":"p","min_p":1.5})", kValue, "min_p",
       "min_p must be in [0, 1], got 1.5."},
      {"repetition_penalty", R"({"prompt":"p","repetition_penalty":0})", kValue,
       "repetition_penalty", "repetition_penalty must be greater than zero, got 0.0."},
      {"presence_penalty", R"({"prompt":"p","presence_penalty":3})", kValue, "presence_penalty",
       "presence_penalty must be in [-2, 2], got 3.0."},
      {"frequency_penalty", R"({"prompt":"p","frequency_penalty":-2.5})", kValue,
       "frequency_penalty", "frequency_penalty must be in [-2, 2], got -2.5."},
      {"n 0", R"({"prompt":"p","n":0})", kValue, "n", "n must be at least 1, got 0."},
      {"huge n", R"({"prompt":"p","n":1000000000})", kValue, "n",
       "n must be at most 16384, got 1000000000. To increase this limit, set the "
       "VLLM_MAX_N_SEQUENCES environment variable."},
      {"min_tokens", R"({"prompt":"p","min_tokens":-1})", kValue, "min_tokens",
       "min_tokens must be greater than or equal to 0, got -1."},
      {"min above max", R"({"prompt":"p","min_tokens":5,"max_tokens":4})", kValue, "min_tokens",
       "min_tokens must be less than or equal to max_tokens=4, got 5."},
      {"empty stop", R"({"prompt":"p","stop":["a",""]})", kValue, "stop",
       "stop cannot contain an empty string."},
      {"too many logprobs", R"({"prompt":"p","logprobs":21})", kValue, "logprobs",
       "Requested sample logprobs of 21, which is greater than max allowed: 20 "
       "(parameter=logprobs, value=21)"},
      {"whole vocabulary", R"({"prompt":"p","prompt_logprobs":-1})", kValue, "prompt_logprobs",
       "Requested prompt logprobs of the whole vocabulary, which is greater than max allowed: 20 "
       "(parameter=prompt_logprobs, value=-1)"},
      {"no allowed ids", R"({"prompt":"p","allowed_token_ids":[]})", kValue, "allowed_token_ids",
       "allowed_token_ids is not None and empty!"},
      {"truncation", R"({"prompt":"p","truncate_prompt_tokens":-2})", kValue,
       "truncate_prompt_tokens", "truncate_prompt_tokens must be at least -1, got -2."},
      {"beams", R"({"prompt":"p","use_beam_search":true})", kValue, "use_beam_search",
       "use_beam_search is not supported yet."},
      {"json_object", R"({"prompt":"p","response_format":{"type":"json_object"}})", kValue,
       "response_format", "response_format json_object is not supported yet."},
      {"regex", R"({"prompt":"p","structured_outputs":{"regex":"a+"}})", kValue,
       "structured_outputs", "structured_outputs is not supported yet."},
      {"embeds", R"({"prompt":"p","prompt_embeds":"AAAA"})", kValue, "prompt_embeds",
       "You must set `--enable-prompt-embeds` to input `prompt_embeds`."},
  };
  for (const BadRow& row : rows) expect_bad(row);
}

TEST(CompletionRequest, NoBodyAtAll) {
  EXPECT_FALSE(parse(std::string_view()).ok());
  EXPECT_EQ(parse(std::string_view()).error().message,
            "The request body is empty; a JSON object is required.");
}

// What JSON does not know, or what a hostile client sends, is a malformed body, never a crash.
TEST(CompletionRequest, MalformedJson) {
  const std::string bodies[] = {
      "{",
      R"({"prompt":"p","temperature":NaN})",
      R"({"prompt":"p","temperature":Infinity})",
      R"({"prompt":"p","temperature":1e999})",
      R"({"prompt":"p",})",
      R"({"prompt":"p"}x)",
      R"({"prompt":"\ud800"})",
      "{\"prompt\":\"\xff\"}",
      "{\"prompt\":\"a\nb\"}",
      std::string(200, '{'),
      R"({"x":)" + std::string(100000, '[') + std::string(100000, ']') + "}",
      std::string("{\"prompt\":\"p\"}\0", 15),
  };
  for (const std::string& body : bodies) {
    const auto parsed = parse(body);
    ASSERT_FALSE(parsed.ok()) << body.substr(0, 40);
    EXPECT_EQ(parsed.error().type, kBody);
    EXPECT_EQ(parsed.error().status, 400);
  }
}

TEST(CompletionRequest, ListsAreBounded) {
  std::string prompts = R"({"prompt":["a")";
  for (int i = 0; i < 16384; ++i) prompts += R"(,"a")";
  const auto parsed = parse(prompts + "]}");
  ASSERT_FALSE(parsed.ok());
  EXPECT_EQ(parsed.error().message, "prompt has more than 16384 entries.");

  const std::string stop = R"({"prompt":"p","stop":")" + std::string(5000, 'x') + "\"}";
  EXPECT_EQ(parse(stop).error().message,
            "stop has a string of 5000 bytes, at most 4096 are accepted.");
}

}  // namespace
}  // namespace nacelle::openai
