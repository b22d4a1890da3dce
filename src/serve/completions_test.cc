// POST /v1/completions over loopback, with scripted tokens.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <regex>

#include "base/file.h"
#include "serve/testing/server_fixture.h"

namespace nacelle::serve {
namespace {

using engine::FinishReason;
using testing::bytes_of;
using ::testing::HasSubstr;
using testing::Script;
using testing::ServerFixture;
using testing::ServerSetup;
using ::testing::StartsWith;

// Bytes of an answer, but for the time in it.
void expect_golden(const std::string& name, const std::string& body) {
  const std::string actual =
      std::regex_replace(body, std::regex("\"created\":[0-9]+"), "\"created\":0");
  const std::string path = std::string(NACELLE_TESTDATA) + "/serve/" + name;
  if (std::getenv("NACELLE_UPDATE_GOLDENS") != nullptr) {
    ASSERT_TRUE(write_file_atomically(path, actual).ok());
  }
  const auto expected = read_file(path);
  ASSERT_TRUE(expected.ok()) << expected.error().to_string();
  EXPECT_EQ(*expected, actual) << name;
}

constexpr std::string_view kId = "X-Request-Id: golden\r\n";

TEST(Completions, Whole) {
  ServerFixture server;
  const auto answer = server.post("/v1/completions", R"({"prompt":"ab"})", kId);
  EXPECT_EQ(answer.status, 200);
  EXPECT_THAT(answer.head, HasSubstr("content-type: application/json\r\n"));
  expect_golden("completion.json", answer.body);
  const auto requests = server.engine().requests();
  ASSERT_EQ(requests.size(), 1u);
  EXPECT_EQ(requests[0].prompt, bytes_of("ab"));
  EXPECT_EQ(requests[0].params.max_tokens, 16u);
  EXPECT_EQ(server.engine().places_in_use(), 0);
}

TEST(Completions, Stream) {
  ServerSetup setup;
  setup.script = ServerSetup::say("h\u00e9y");
  ServerFixture server(std::move(setup));
  const auto answer = server.post(
      "/v1/completions",
      R"({"prompt":"ab","stream":true,"stop":"zz","stream_options":{"include_usage":true}})", kId);
  EXPECT_EQ(answer.status, 200);
  EXPECT_THAT(answer.head, HasSubstr("text/event-stream; charset=utf-8"));
  EXPECT_THAT(answer.body, ::testing::EndsWith("data: [DONE]\n\n"));
  // How many tokens a chunk holds depends on timing; what they add up to does not.
  std::string text;
  std::size_t usages = 0;
  for (std::size_t at = 0; (at = answer.body.find("data: {", at)) != std::string::npos; ++at) {
    const auto chunk =
        nlohmann::json::parse(answer.body.substr(at + 6, answer.body.find("\n\n", at) - at - 6));
    EXPECT_EQ(chunk["id"], "cmpl-golden");
    if (chunk.contains("usage")) {
      ++usages;
      EXPECT_EQ(chunk["usage"]["completion_tokens"], 5);
      EXPECT_TRUE(chunk["choices"].empty());
      continue;
    }
    text += chunk["choices"][0]["text"].get<std::string>();
  }
  EXPECT_EQ(text, "h\u00e9y");
  EXPECT_EQ(usages, 1u);
}

// One token only, so that the chunks are always the same.
TEST(Completions, StreamGolden) {
  ServerSetup setup;
  setup.script = [](const engine::Request&) {
    return Script{.tokens = {'x'}, .finish = FinishReason::kLength};
  };
  setup.config.system_fingerprint = "vllm-1.2.3-01234567";
  ServerFixture server(std::move(setup));
  expect_golden("completion_stream.sse",
                server.post("/v1/completions", R"({"prompt":"ab","stream":true})", kId).body);
  expect_golden("completion_stream_usage.sse",
                server
                    .post("/v1/completions",
                          R"({"prompt":"ab","stream":true,"return_token_ids":true,"echo":true,
                              "stream_options":{"include_usage":true,
                                                "continuous_usage_stats":true}})",
                          kId)
                    .body);
}

TEST(Completions, PromptsTimesChoices) {
  ServerSetup setup;
  setup.script = [](const engine::Request& request) {
    Script script{.tokens = request.prompt};  // says its prompt again
    script.tokens.push_back(static_cast<TokenId>('0' + *request.params.seed));
    script.finish = FinishReason::kLength;
    return script;
  };
  ServerFixture server(std::move(setup));
  const auto answer =
      server.post("/v1/completions", R"({"prompt":["ab","cd"],"n":2,"seed":3})").json();
  ASSERT_EQ(answer["choices"].size(), 4u);
  std::string texts;
  for (std::size_t i = 0; i < 4; ++i) {
    EXPECT_EQ(answer["choices"][i]["index"], i);
    texts += answer["choices"][i]["text"].get<std::string>() + " ";
  }
  EXPECT_EQ(texts, "ab3 ab4 cd3 cd4 ");
  EXPECT_EQ(answer["usage"]["prompt_tokens"], 4);  // once per prompt
  EXPECT_EQ(answer["usage"]["completion_tokens"], 12);
}

TEST(Completions, TokenIdPrompts) {
  ServerFixture server;
  EXPECT_EQ(server.post("/v1/completions", R"({"prompt":[97,98]})").status, 200);
  EXPECT_EQ(server.post("/v1/completions", R"({"prompt":[[97],[98,99]]})").status, 200);
  const auto requests = server.engine().requests();
  EXPECT_EQ(requests.at(0).prompt, bytes_of("ab"));
  EXPECT_EQ(requests.at(2).prompt, bytes_of("bc"));
}

TEST(Completions, StopStringsEndTheSequenceInTheEngine) {
  ServerSetup setup;
  setup.script = [](const engine::Request&) {
    return Script{.tokens = bytes_of("abcENDdef"), .hang = true};
  };
  ServerFixture server(std::move(setup));
  const auto answer = server.post("/v1/completions", R"({"prompt":"p","stop":["END"]})").json();
  EXPECT_EQ(answer["choices"][0]["text"], "abc");
  EXPECT_EQ(answer["choices"][0]["finish_reason"], "stop");
  EXPECT_EQ(answer["choices"][0]["stop_reason"], "END");
  EXPECT_EQ(answer["usage"]["completion_tokens"], 6);
  ASSERT_TRUE(server.engine().wait_for_aborts(1));
  EXPECT_EQ(server.engine().aborts()[0], FinishReason::kStop);
}

TEST(Completions, SecondaryEosGivesItsId) {
  ServerSetup setup;
  setup.script = [](const engine::Request&) { return Script{.tokens = {'a', 5}, .stop_token = 5}; };
  ServerFixture server(std::move(setup));
  const auto answer = server.post("/v1/completions", R"({"prompt":"p"})").json();
  EXPECT_EQ(answer["choices"][0]["stop_reason"], 5);
  EXPECT_EQ(answer["choices"][0]["text"], "a");
}

TEST(Completions, EchoAndLogprobs) {
  ServerFixture server;
  const auto answer =
      server.post("/v1/completions", R"({"prompt":"ab","echo":true,"logprobs":1})").json();
  const auto& choice = answer["choices"][0];
  EXPECT_EQ(choice["text"], "abhello");
  EXPECT_EQ(choice["logprobs"]["tokens"].size(), 8u);  // two of the prompt, five, and the EOS
  EXPECT_TRUE(choice["logprobs"]["token_logprobs"][0].is_null());
  EXPECT_TRUE(choice["logprobs"]["top_logprobs"][0].is_null());
  EXPECT_EQ(choice["logprobs"]["text_offset"][2], 2);
  EXPECT_EQ(choice["logprobs"]["tokens"][2], "h");
  EXPECT_TRUE(choice["prompt_logprobs"].is_null());
}

TEST(Completions, EchoOnly) {
  ServerFixture server;
  const auto answer =
      server.post("/v1/completions", R"({"prompt":"ab","echo":true,"max_tokens":0})").json();
  EXPECT_EQ(answer["choices"][0]["text"], "ab");
  EXPECT_EQ(server.engine().requests()[0].params.max_tokens, 1u);
}

TEST(Completions, PromptLogprobsAndTokenIds) {
  ServerFixture server;
  const auto answer = server
                          .post("/v1/completions",
                                R"({"prompt":"ab","prompt_logprobs":0,"return_token_ids":true,
                                    "logprobs":0,"return_tokens_as_token_ids":true})")
                          .json();
  const auto& choice = answer["choices"][0];
  EXPECT_EQ(choice["prompt_logprobs"].dump(),
            R"([null,{"98":{"logprob":-0.5,"rank":1,"decoded_token":"token_id:98"}}])");
  EXPECT_EQ(choice["prompt_token_ids"].dump(), "[97,98]");
  EXPECT_EQ(choice["token_ids"].dump(), "[104,101,108,108,111,257]");
  EXPECT_EQ(choice["logprobs"]["tokens"][0], "token_id:104");
}

TEST(Completions, CachedTokensOnlyWhenTheOperatorAsks) {
  for (const bool details : {false, true}) {
    ServerSetup setup;
    setup.config.enable_prompt_tokens_details = details;
    setup.script = [](const engine::Request&) {
      return Script{.tokens = {'a', 257}, .num_cached_tokens = 1};
    };
    ServerFixture server(std::move(setup));
    const auto usage = server.post("/v1/completions", R"({"prompt":"ab"})").json()["usage"];
    if (details) {
      EXPECT_EQ(usage["prompt_tokens_details"]["cached_tokens"], 1);
    } else {
      EXPECT_TRUE(usage["prompt_tokens_details"].is_null());
    }
  }
}

TEST(Completions, ParametersReachTheEngine) {
  ServerSetup setup;
  setup.config.defaults.temperature = 0.6;
  setup.config.defaults.extra_eos_token_ids = {7};
  ServerFixture server(std::move(setup));
  EXPECT_EQ(server
                .post("/v1/completions",
                      R"({"prompt":"p","priority":-3,"cache_salt":"s","top_k":4,
                          "truncate_prompt_tokens":1,"logit_bias":{"5":-300}})")
                .status,
            200);
  const auto request = server.engine().requests().at(0);
  EXPECT_EQ(request.priority, -3);
  EXPECT_EQ(request.cache_salt, "s");
  EXPECT_EQ(request.params.temperature, 0.6f);
  EXPECT_EQ(request.params.top_k, 4);
  EXPECT_EQ(request.params.stop_token_ids, (std::vector<TokenId>{7}));
  EXPECT_EQ(request.params.logit_bias.at(0), (std::pair<TokenId, float>{5, -100.0f}));
}

TEST(Completions, EngineFailures) {
  ServerSetup setup;
  setup.script = [](const engine::Request&) {
    return Script{.tokens = {'a', 'b'}, .finish = FinishReason::kError};
  };
  ServerFixture server(std::move(setup));
  const auto whole = server.post("/v1/completions", R"({"prompt":"p"})");
  EXPECT_EQ(whole.status, 500);
  EXPECT_EQ(whole.body, R"({"error":{"message":"scripted failure","type":"InternalServerError",)"
                        R"("param":null,"code":500}})");
  const auto stream = server.post("/v1/completions", R"({"prompt":"p","stream":true})");
  EXPECT_EQ(stream.status, 200);
  EXPECT_THAT(stream.body,
              ::testing::EndsWith("data: {\"error\":{\"message\":\"scripted failure\",\"type\":"
                                  "\"InternalServerError\",\"param\":null,\"code\":500}}\n\n"
                                  "data: [DONE]\n\n"));
}

TEST(Completions, LoadReport) {
  ServerFixture server;
  EXPECT_THAT(
      server.post("/v1/completions", R"({"prompt":"p"})", "endpoint-load-metrics-format: TEXT\r\n")
          .head,
      HasSubstr("endpoint-load-metrics: TEXT named_metrics.kv_cache_usage_perc=0.25, "
                "named_metrics.num_requests_waiting=2.0\r\n"));
  EXPECT_THAT(
      server.post("/v1/completions", R"({"prompt":"p"})", "endpoint-load-metrics-format: JSON\r\n")
          .head,
      HasSubstr(R"(endpoint-load-metrics: JSON {"named_metrics": {"kv_cache_usage_perc": )"
                R"(0.25, "num_requests_waiting": 2.0}})"));
}

TEST(Completions, ForcedUsage) {
  ServerSetup setup;
  setup.config.enable_force_include_usage = true;
  ServerFixture server(std::move(setup));
  const auto answer = server.post("/v1/completions", R"({"prompt":"p","stream":true})");
  EXPECT_THAT(answer.body, HasSubstr("\"choices\":[],\"usage\":"));
  // In every chunk: at least one with text and the one at the end.
  const std::size_t first = answer.body.find("\"usage\":");
  EXPECT_NE(answer.body.find("\"usage\":", first + 1), std::string::npos);
}

}  // namespace
}  // namespace nacelle::serve
