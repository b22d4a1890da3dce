// Routes, keys, CORS, metrics, drain: what is not about one kind of generation.
#include "serve/server.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <future>
#include <thread>

#include "serve/testing/server_fixture.h"

namespace nacelle::serve {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;
using testing::RawClient;
using testing::ServerFixture;
using testing::ServerSetup;

TEST(Server, Health) {
  ServerFixture server;
  EXPECT_EQ(server.get("/health").status, 200);
  EXPECT_EQ(server.get("/health").body, "");
  EXPECT_EQ(server.get("/ping").status, 200);
  EXPECT_EQ(server.post("/ping", "").status, 200);
  server.engine().set_healthy(false);
  EXPECT_EQ(server.get("/health").status, 503);
}

TEST(Server, VersionLoadAndModels) {
  ServerFixture server;
  EXPECT_EQ(server.get("/version").body, R"({"version":"1.2.3"})");
  EXPECT_EQ(server.get("/load").body, R"({"server_load":0})");
  const auto models = server.get("/v1/models").json();
  ASSERT_EQ(models["data"].size(), 2u);
  EXPECT_EQ(models["data"][0]["id"], "demo");
  EXPECT_EQ(models["data"][1]["id"], "alias");
  EXPECT_EQ(models["data"][0]["max_model_len"], 200);
  EXPECT_EQ(models["data"][0]["root"], "/models/demo");
}

TEST(Server, UnknownRoutesAndMethods) {
  ServerFixture server;
  const auto missing = server.get("/v1/nothing");
  EXPECT_EQ(missing.status, 404);
  EXPECT_EQ(missing.body,
            R"({"error":{"message":"Not Found","type":"Not Found","param":null,"code":404}})");
  const auto wrong = server.get("/v1/completions");
  EXPECT_EQ(wrong.status, 405);
  EXPECT_THAT(wrong.head, HasSubstr("allow: POST\r\n"));
  EXPECT_EQ(wrong.error_message(), "Method Not Allowed");
  EXPECT_EQ(server.ask("GET /health?x=1 HTTP/1.1\r\nHost: x\r\n\r\n").status, 200);
}

TEST(Server, ApiKeys) {
  ServerSetup setup;
  setup.config.api_keys = {"secret", "other"};
  ServerFixture server(std::move(setup));
  const auto refused = server.get("/v1/models");
  EXPECT_EQ(refused.status, 401);
  EXPECT_EQ(refused.body, R"({"error":"Unauthorized"})");
  EXPECT_EQ(server.get("/v1/models", "Authorization: Bearer secre\r\n").status, 401);
  EXPECT_EQ(server.get("/v1/models", "Authorization: Basic secret\r\n").status, 401);
  EXPECT_EQ(server.get("/v1/models", "Authorization: bearer other\r\n").status, 200);
  EXPECT_EQ(server.post("/v1/completions", "{}").status, 401);
  EXPECT_EQ(server.get("/health").status, 200);
  EXPECT_EQ(server.get("/metrics").status, 200);
  EXPECT_EQ(server.post("/tokenize", R"({"prompt":"a"})").status, 200);
}

TEST(Server, Cors) {
  ServerFixture server;
  EXPECT_THAT(server.get("/health").head, Not(HasSubstr("access-control")));
  EXPECT_THAT(server.get("/health", "Origin: http://a\r\n").head,
              HasSubstr("access-control-allow-origin: *\r\n"));
  const auto preflight = server.ask(
      "OPTIONS /v1/completions HTTP/1.1\r\nHost: x\r\nOrigin: http://a\r\n"
      "Access-Control-Request-Method: POST\r\nAccess-Control-Request-Headers: x-y\r\n\r\n");
  EXPECT_EQ(preflight.status, 200);
  EXPECT_THAT(preflight.head, HasSubstr("access-control-allow-headers: x-y\r\n"));
}

TEST(Server, CorsNamesTheOriginWhenOnlySomeAreAllowed) {
  ServerSetup setup;
  setup.config.cors.allowed_origins = {"http://good"};
  ServerFixture server(std::move(setup));
  EXPECT_THAT(server.get("/health", "Origin: http://good\r\n").head,
              HasSubstr("access-control-allow-origin: http://good\r\n"));
  EXPECT_THAT(server.get("/health", "Origin: http://bad\r\n").head,
              Not(HasSubstr("access-control-allow-origin")));
}

TEST(Server, RequestIdHeader) {
  ServerSetup setup;
  setup.config.enable_request_id_headers = true;
  ServerFixture server(std::move(setup));
  EXPECT_THAT(server.get("/health", "X-Request-Id: abc\r\n").head,
              HasSubstr("X-Request-Id: abc\r\n"));
  EXPECT_THAT(server.get("/health").head, HasSubstr("X-Request-Id: "));
}

TEST(Server, TokenizeAndDetokenize) {
  ServerFixture server;
  EXPECT_EQ(server.post("/tokenize", R"({"prompt":"ab","model":"demo"})").body,
            R"({"count":2,"max_model_len":200,"tokens":[97,98],"token_strs":null})");
  EXPECT_EQ(server.post("/tokenize", R"({"prompt":"a","return_token_strs":true})").body,
            R"({"count":1,"max_model_len":200,"tokens":[97],"token_strs":["a"]})");
  const auto chat =
      server.post("/tokenize", R"({"messages":[{"role":"user","content":"x"}]})").json();
  EXPECT_EQ(chat["tokens"][0], testing::kImStart);
  EXPECT_EQ(server.post("/detokenize", R"({"tokens":[97,98,257]})").body,
            R"({"prompt":"ab<|im_end|>"})");
  EXPECT_EQ(server.post("/detokenize", R"({"tokens":[258]})").error_message(),
            "Token id 258 is out of vocabulary");
  EXPECT_EQ(server.post("/tokenize", R"({"prompt":"a","model":"nope"})").status, 404);
  EXPECT_EQ(server.post("/tokenize", "{").status, 400);
}

TEST(Server, MetricsCarryEveryFamilyFromTheStart) {
  ServerFixture server;
  const auto answer = server.get("/metrics");
  EXPECT_THAT(answer.head, HasSubstr("text/plain; version=0.0.4"));
  const std::string labels = R"({model_name="demo",engine="0"})";
  for (const char* name :
       {"vllm:num_requests_running", "vllm:num_requests_waiting", "vllm:kv_cache_usage_perc",
        "vllm:gpu_cache_usage_perc", "vllm:decode_tokens_per_second",
        "vllm:prefix_cache_queries_total", "vllm:prefix_cache_hits_total",
        "vllm:num_preemptions_total", "vllm:prompt_tokens_total", "vllm:generation_tokens_total",
        "vllm:prompt_tokens_cached_total"}) {
    EXPECT_THAT(answer.body, HasSubstr(std::string("\n") + name + labels)) << name;
  }
  for (const char* name :
       {"vllm:iteration_tokens_total", "vllm:request_prompt_tokens",
        "vllm:request_generation_tokens", "vllm:time_to_first_token_seconds",
        "vllm:inter_token_latency_seconds", "vllm:time_per_output_token_seconds",
        "vllm:request_time_per_output_token_seconds", "vllm:e2e_request_latency_seconds",
        "vllm:request_queue_time_seconds", "vllm:request_inference_time_seconds",
        "vllm:request_prefill_time_seconds", "vllm:request_decode_time_seconds",
        "vllm:request_params_n"}) {
    EXPECT_THAT(answer.body, HasSubstr(fmt::format("# TYPE {} histogram\n", name)));
    EXPECT_THAT(answer.body, HasSubstr(fmt::format("\n{}_count{}", name, labels))) << name;
  }
  for (const char* reason : {"stop", "length", "abort", "error", "repetition"}) {
    EXPECT_THAT(answer.body, HasSubstr(fmt::format(
                                 "vllm:request_success_total{{model_name=\"demo\",engine=\"0\","
                                 "finished_reason=\"{}\"}} 0",
                                 reason)));
  }
  EXPECT_THAT(answer.body, HasSubstr("vllm:cache_config_info{engine=\"0\",block_size=\"16\","
                                     "num_gpu_blocks=\"100\""));
  EXPECT_THAT(answer.body, HasSubstr("vllm:prompt_tokens_by_source_total{model_name=\"demo\","
                                     "engine=\"0\",source=\"local_compute\"} 6"));
  EXPECT_THAT(answer.body,
              HasSubstr("vllm:admission_rejections_total{model_name=\"demo\",engine=\"0\","
                        "reason=\"queue_full\"} 0"));
  EXPECT_EQ(server.get("/metrics/").status, 200);
}

TEST(Server, HttpMetricsCountRequestsButNotProbes) {
  ServerFixture server;
  (void)server.get("/health");
  (void)server.get("/v1/models");
  (void)server.get("/nothing/here");
  // A request is counted once its answer has been written, which its client may see first.
  constexpr std::string_view kLast =
      R"(http_requests_total{handler="none",method="other",status="4xx"} 1)";
  std::string text;
  for (int i = 0; i < 1000 && text.find(kLast) == std::string::npos; ++i) {
    text = server.get("/metrics").body;
  }
  EXPECT_THAT(
      text, HasSubstr(R"(http_requests_total{handler="/v1/models",method="GET",status="2xx"} 1)"));
  EXPECT_THAT(text,
              HasSubstr(R"(http_requests_total{handler="none",method="other",status="4xx"} 1)"));
  EXPECT_THAT(text, Not(HasSubstr(R"(handler="/health")")));
}

TEST(Server, HealthAnswersWhileTheWorkPoolIsBlocked) {
  ServerFixture server;
  std::promise<void> release;
  struct Block final : async::WorkPoolJob {
    explicit Block(std::future<void> f) : until(std::move(f)) {}
    void run() noexcept override { until.wait(); }
    std::future<void> until;
  };
  ASSERT_TRUE(server.pool().submit(std::make_unique<Block>(release.get_future())).ok());
  RawClient waiting(server.port());
  waiting.send(ServerFixture::post_text("/v1/completions", R"({"prompt":"a"})"));
  EXPECT_EQ(server.get("/health").status, 200);
  EXPECT_EQ(server.get("/metrics").status, 200);
  release.set_value();
  EXPECT_EQ(testing::parse_answer(waiting.read_response()).status, 200);
}

TEST(Server, DrainLetsRequestsInFlightFinish) {
  ServerSetup setup;
  setup.script = [](const engine::Request&) {
    return testing::Script{.tokens = {'x', testing::kImEnd}, .hang = true};
  };
  ServerFixture server(std::move(setup));
  RawClient client(server.port());
  client.send(ServerFixture::post_text("/v1/completions", R"({"prompt":"a"})"));
  ASSERT_TRUE(server.engine().wait_for_submits(1));
  std::thread draining([&] { EXPECT_TRUE(server.drain(60s).ok()); });
  server.engine().release();
  const auto answer = testing::parse_answer(client.read_response());
  EXPECT_EQ(answer.status, 200);
  EXPECT_EQ(answer.json()["choices"][0]["text"], "x");
  draining.join();
  EXPECT_EQ(server.engine().aborts().size(), 0u);
}

TEST(Server, DrainAbortsAtTheDeadline) {
  ServerSetup setup;
  setup.script = [](const engine::Request&) {
    return testing::Script{.tokens = {'x'}, .hang = true};
  };
  ServerFixture server(std::move(setup));
  RawClient client(server.port());
  client.send(ServerFixture::post_text("/v1/completions", R"({"prompt":"a","stream":true})"));
  EXPECT_NE(client.read_until("\"text\":\"x\""), "");
  (void)server.drain(0ms);
  EXPECT_TRUE(server.engine().wait_for_aborts(1));
  EXPECT_THAT(client.read_to_end(), Not(HasSubstr("[DONE]")));
}

TEST(Server, ConfigProblemsAreListedTogether) {
  async::Runtime runtime(1);
  runtime.start();
  auto server = OpenAiServer::bind(runtime, {.address = {"127.0.0.1", 0}});
  ASSERT_TRUE(server.ok());
  async::WorkPool pool(1, 1);
  testing::FakeEngine engine(ServerSetup::say(""));
  ServerConfig config;
  config.tool_call_parser = "unknown";
  const Status started = (*server)->start(config, {.engine = engine,
                                                   .tokenizer = testing::byte_tokenizer(),
                                                   .chat_template = nullptr,
                                                   .work_pool = pool});
  EXPECT_EQ(started.message(),
            "At least one served model name is needed. max_model_len must be at least 1. "
            "vocab_size must be at least 1. tool_call_parser must be hermes or unset.");
}

}  // namespace
}  // namespace nacelle::serve
