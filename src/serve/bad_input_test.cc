// Everything a client can do wrong: each ends in a clear answer and a server that serves the next
// one.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <future>

#include "serve/testing/server_fixture.h"

namespace nacelle::serve {
namespace {

using testing::bytes_of;
using ::testing::HasSubstr;
using testing::HttpAnswer;
using testing::RawClient;
using testing::Script;
using testing::ServerFixture;
using testing::ServerSetup;
using ::testing::StartsWith;

void expect_alive(ServerFixture& server) {
  const auto answer = server.post("/v1/completions", R"({"prompt":"ok"})");
  EXPECT_EQ(answer.status, 200);
  EXPECT_EQ(answer.json()["choices"][0]["text"], "hello");
}

struct Row {
  const char* name;
  std::string body;
  int status;
  const char* type;
  const char* param;  // "" = null
  const char* message_start;
};

TEST(BadInput, CompletionBodies) {
  ServerFixture server;
  const std::string long_prompt = R"({"prompt":")" + std::string(250, 'a') + "\"}";
  const std::string huge_prompt = R"({"prompt":")" + std::string(50'000, 'a') + "\"}";
  const Row rows[] = {
      {"malformed JSON", R"({"prompt":)", 400, "Bad Request", "",
       "The request body is not valid JSON: "},
      {"wrong type", R"({"prompt":"p","max_tokens":"many"})", 400, "Bad Request", "max_tokens",
       "max_tokens: Input should be a valid integer."},
      {"unknown model", R"({"prompt":"p","model":"gpt-9"})", 404, "NotFoundError", "model",
       "The model `gpt-9` does not exist."},
      {"empty prompt", R"({"prompt":""})", 400, "Bad Request", "prompt",
       "Either prompt or prompt_embeds must be provided and non-empty."},
      {"no tokens", R"({"prompt":[[]]})", 400, "BadRequestError", "prompt",
       "The decoder prompt cannot be empty"},
      {"prompt too long", long_prompt, 400, "BadRequestError", "input_tokens",
       "This model's maximum context length is 200 tokens. However, you requested 16 output tokens "
       "and your prompt contains 250 input tokens, for a total of 266 tokens."},
      {"prompt far too long", huge_prompt, 400, "BadRequestError", "input_text",
       "This model's maximum context length is 200 tokens. However, you requested 16 output tokens "
       "and your prompt contains at least "},
      {"token id out of range", R"({"prompt":[258]})", 400, "BadRequestError", "prompt",
       "Token id 258 is out of vocabulary"},
      {"negative token id", R"({"prompt":[-1]})", 400, "BadRequestError", "prompt",
       "Token id -1 is out of vocabulary"},
      {"token id beyond 32 bits", R"({"prompt":[4294967296]})", 400, "BadRequestError", "prompt",
       "Token id 4294967296 is out of vocabulary"},
      {"max_tokens 0", R"({"prompt":"p","max_tokens":0})", 400, "BadRequestError", "max_tokens",
       "max_tokens must be at least 1, got 0."},
      {"max_tokens beyond the context", R"({"prompt":"p","max_tokens":201})", 400,
       "BadRequestError", "max_tokens", "max_tokens=201 cannot be greater than max_model_len=200."},
      {"NaN", R"({"prompt":"p","temperature":NaN})", 400, "Bad Request", "",
       "The request body is not valid JSON: "},
      {"negative temperature", R"({"prompt":"p","temperature":-1})", 400, "BadRequestError",
       "temperature", "temperature must be non-negative, got -1.0."},
      {"negative top_p", R"({"prompt":"p","top_p":-0.1})", 400, "BadRequestError", "top_p",
       "top_p must be in (0, 1], got -0.1."},
      {"huge n", R"({"prompt":"p","n":1000000})", 400, "BadRequestError", "n",
       "n must be at most 16384, got 1000000."},
      {"n times prompts", R"({"prompt":["a","b"],"n":16384})", 400, "BadRequestError", "n",
       "n x prompts is 16384 x 2 sequences, at most 16384 are accepted in one request."},
      {"greedy choices", R"({"prompt":"p","n":2,"temperature":0})", 400, "BadRequestError", "n",
       "n must be 1 when using greedy sampling, got 2."},
      {"bias outside the vocabulary", R"({"prompt":"p","logit_bias":{"300":1}})", 400,
       "BadRequestError", "logit_bias", "token_id(s) [300] in logit_bias"},
      {"truncation beyond the context", R"({"prompt":"p","truncate_prompt_tokens":201})", 400,
       "BadRequestError", "truncate_prompt_tokens",
       "truncate_prompt_tokens value (201) is greater than max_model_len (200)."},
  };
  for (const Row& row : rows) {
    SCOPED_TRACE(row.name);
    const HttpAnswer answer = server.post("/v1/completions", row.body);
    EXPECT_EQ(answer.status, row.status);
    const auto error = answer.json()["error"];
    ASSERT_TRUE(error.is_object()) << answer.body;
    EXPECT_EQ(error["type"], row.type);
    EXPECT_EQ(error["param"].is_null() ? "" : error["param"].get<std::string>(), row.param);
    EXPECT_EQ(error["code"], row.status);
    EXPECT_THAT(answer.error_message(), StartsWith(row.message_start));
  }
  EXPECT_TRUE(server.engine().requests().empty());
  EXPECT_EQ(server.engine().places_in_use(), 0);
  expect_alive(server);
}

TEST(BadInput, ChatBodies) {
  ServerFixture server;
  for (const char* body :
       {"", "{", "[]", R"({"messages":5})", R"({"messages":[]})", R"({"messages":[{}]})",
        R"({"messages":[{"role":"user","content":{}}]})",
        R"({"messages":[{"role":"user","content":[{"type":"image_url"}]}]})",
        R"({"messages":[{"role":"assistant","tool_calls":[{"function":{"name":"f",
            "arguments":"{"}}]}]})"}) {
    SCOPED_TRACE(body);
    const auto answer = server.post("/v1/chat/completions", body);
    EXPECT_EQ(answer.status, 400);
    EXPECT_NE(answer.error_message(), "");
  }
  expect_alive(server);
}

TEST(BadInput, ContentType) {
  ServerFixture server;
  const auto answer = server.ask(
      "POST /v1/completions HTTP/1.1\r\nHost: x\r\nContent-Type: text/plain\r\n"
      "Content-Length: 2\r\n\r\n{}");
  EXPECT_EQ(answer.status, 400);
  EXPECT_EQ(answer.json()["error"]["type"], "Bad Request");
  EXPECT_EQ(server
                .ask("POST /v1/completions HTTP/1.1\r\nHost: x\r\n"
                     "Content-Type: Application/JSON; charset=utf-8\r\nContent-Length: 14\r\n\r\n"
                     R"({"prompt":"a"})")
                .status,
            200);
  expect_alive(server);
}

TEST(BadInput, AHundredMegabytesAreRefusedByTheirHead) {
  ServerFixture server;
  RawClient client(server.port());
  client.send(
      "POST /v1/completions HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
      "Content-Length: 104857600\r\n\r\n{\"prompt\":\"");
  const auto answer = testing::parse_answer(client.read_response());
  EXPECT_EQ(answer.status, 413);
  EXPECT_EQ(answer.error_message(), "The request body is larger than 67108864 bytes.");
  expect_alive(server);
}

TEST(BadInput, AnUndeclaredLengthIsCutOffAtTheLimit) {
  ServerSetup setup;
  setup.config.max_body_bytes = 1000;
  ServerFixture server(std::move(setup));
  RawClient client(server.port());
  client.send(
      "POST /v1/completions HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
      "Transfer-Encoding: chunked\r\n\r\n");
  const std::string chunk = "100\r\n" + std::string(256, ' ') + "\r\n";
  for (int i = 0; i < 8; ++i) client.send(chunk);
  EXPECT_EQ(testing::parse_answer(client.read_response()).status, 413);
  expect_alive(server);
}

TEST(BadInput, AFullQueueIs503BeforeAnyWork) {
  ServerSetup setup;
  setup.max_queued = 2;
  setup.script = [](const engine::Request&) {
    return Script{.tokens = bytes_of("x"), .hang = true};
  };
  ServerFixture server(std::move(setup));
  RawClient holder(server.port());
  holder.send(ServerFixture::post_text("/v1/completions", R"({"prompt":"a","n":2,"stream":true})"));
  ASSERT_TRUE(server.engine().wait_for_submits(2));

  // With the work pool blocked, only an answer that needs no tokens can come.
  std::promise<void> release;
  struct Block final : async::WorkPoolJob {
    explicit Block(std::future<void> f) : until(std::move(f)) {}
    void run() noexcept override { until.wait(); }
    std::future<void> until;
  };
  ASSERT_TRUE(server.pool().submit(std::make_unique<Block>(release.get_future())).ok());
  for (const char* path : {"/v1/completions", "/v1/chat/completions"}) {
    const auto answer =
        server.post(path, R"({"prompt":"a","messages":[{"role":"user","content":"x"}]})");
    EXPECT_EQ(answer.status, 503);
    EXPECT_THAT(answer.head, HasSubstr("retry-after: 1\r\n"));
    EXPECT_EQ(answer.json()["error"]["type"], "ServiceUnavailableError");
    EXPECT_EQ(answer.error_message(), "The queue holds 2 requests, its bound.");
  }
  EXPECT_EQ(server.get("/health").status, 200);
  EXPECT_THAT(server.get("/metrics").body, HasSubstr("reason=\"queue_full\"} 2"));
  release.set_value();
  EXPECT_EQ(server.engine().requests().size(), 2u);
}

TEST(BadInput, AFullWorkPoolIs503Too) {
  ServerSetup setup;
  setup.work_pool_queue = 1;
  ServerFixture server(std::move(setup));
  std::promise<void> release;
  std::promise<void> started;
  struct Block final : async::WorkPoolJob {
    Block(std::future<void> f, std::promise<void>* s) : until(std::move(f)), began(s) {}
    void run() noexcept override {
      began->set_value();
      until.wait();
    }
    std::future<void> until;
    std::promise<void>* began;
  };
  struct Nothing final : async::WorkPoolJob {
    void run() noexcept override {}
  };
  ASSERT_TRUE(server.pool().submit(std::make_unique<Block>(release.get_future(), &started)).ok());
  started.get_future().wait();
  ASSERT_TRUE(server.pool().submit(std::make_unique<Nothing>()).ok());
  const auto answer = server.post("/v1/completions", R"({"prompt":"a"})");
  EXPECT_EQ(answer.status, 503);
  EXPECT_THAT(answer.head, HasSubstr("retry-after: "));
  EXPECT_EQ(server.engine().places_in_use(), 0);
  release.set_value();
}

TEST(BadInput, AClientThatLeavesMidStreamFreesItsSequences) {
  ServerSetup setup;
  setup.script = [](const engine::Request&) {
    return Script{.tokens = bytes_of("x"), .hang = true};
  };
  ServerFixture server(std::move(setup));
  {
    RawClient client(server.port());
    client.send(
        ServerFixture::post_text("/v1/completions", R"({"prompt":"a","n":2,"stream":true})"));
    EXPECT_NE(client.read_until("\"text\":\"x\""), "");
  }
  EXPECT_TRUE(server.engine().wait_for_aborts(2));
  EXPECT_EQ(server.engine().aborts()[0], engine::FinishReason::kAbort);
}

TEST(BadInput, AClientThatLeavesWhileItWaitsFreesItsSequence) {
  ServerSetup setup;
  setup.script = [](const engine::Request&) { return Script{.tokens = {}, .hang = true}; };
  ServerFixture server(std::move(setup));
  {
    RawClient client(server.port());
    client.send(ServerFixture::post_text("/v1/completions", R"({"prompt":"a"})"));
    ASSERT_TRUE(server.engine().wait_for_submits(1));
    client.reset();
  }
  EXPECT_TRUE(server.engine().wait_for_aborts(1));
}

// A reader that stops reading holds up only itself: the answer waits in its own mailbox.
TEST(BadInput, ASlowReaderGetsEverythingInTheEnd) {
  ServerSetup setup;
  setup.config.max_model_len = 60'000;
  setup.script = [](const engine::Request&) {
    return Script{.tokens = std::vector<TokenId>(50'000, 'z'),
                  .finish = engine::FinishReason::kLength};
  };
  ServerFixture server(std::move(setup));
  RawClient slow(server.port(), 4096);
  slow.send(ServerFixture::post_text("/v1/completions",
                                     R"({"prompt":"a","stream":true,"max_tokens":50000})"));
  ASSERT_TRUE(server.engine().wait_for_submits(1));
  EXPECT_EQ(server.get("/health").status, 200);
  const auto answer = testing::parse_answer(slow.read_response());
  std::size_t letters = 0;
  for (const char c : answer.body) letters += c == 'z' ? 1 : 0;
  EXPECT_EQ(letters, 50'000u);
  EXPECT_THAT(answer.body, ::testing::EndsWith("data: [DONE]\n\n"));
}

TEST(BadInput, RanksThatAreNotHere) {
  ServerFixture server;
  EXPECT_EQ(
      server.post("/v1/completions", R"({"prompt":"a"})", "X-data-parallel-rank: 0\r\n").status,
      200);
  const auto answer =
      server.post("/v1/completions", R"({"prompt":"a"})", "X-data-parallel-rank: 1\r\n");
  EXPECT_EQ(answer.status, 400);
}

TEST(BadInput, OddRequestIdsAreReplaced) {
  ServerFixture server;
  const auto answer =
      server.post("/v1/completions", R"({"prompt":"a"})", "X-Request-Id: \xff\xfe\r\n");
  EXPECT_THAT(answer.json()["id"].get<std::string>(), ::testing::MatchesRegex("cmpl-[0-9a-f]+"));
}

}  // namespace
}  // namespace nacelle::serve
