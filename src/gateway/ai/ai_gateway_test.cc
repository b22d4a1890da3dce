// ai_gateway_test.cc: keys, translation both ways, aliases and books, from socket to socket.
#include <gtest/gtest.h>

#include "gateway/ai/testing/ai_fixture.h"

namespace nacelle::gateway::ai {
namespace {

using namespace testing;  // NOLINT: the fixture's words

class AiGateway : public AiFixture {};

TEST_F(AiGateway, KeysAndModelsAreAskedBeforeAnyBackend) {
  Provider openai{.body = kAnswer};
  start(base_objects() + provider("a", "OpenAI", upstream(openai.handler())) +
        ai_route("{name: a}") + keys());
  struct Row {
    HeaderList headers;
    std::string model;
    int status;
    std::string code;
  };
  for (const Row& row :
       std::vector<Row>{{{}, "m", 401, "invalid_api_key"},
                        {{{"authorization", "Bearer nobody"}}, "m", 401, "invalid_api_key"},
                        {{{"x-api-key", "key-gone"}}, "m", 403, "key_not_allowed"},
                        {{}, "no-such-model", 401, "invalid_api_key"},
                        {kKeyA, "other", 404, "model_not_found"}}) {
    const std::string body = fmt::format(R"({{"model":"{}","messages":[]}})", row.model);
    const Answer chat = ask("POST", "/v1/chat/completions", row.headers, body);
    EXPECT_EQ(chat.code, row.status) << chat.body;
    EXPECT_EQ(json::parse(chat.body)["error"]["code"], row.code);
    const Answer messages = ask("POST", "/anthropic/v1/messages", row.headers, body);
    EXPECT_EQ(messages.code, row.status);
    EXPECT_EQ(json::parse(messages.body)["type"], "error") << messages.body;
  }
  EXPECT_TRUE(openai.heads.empty());
  EXPECT_EQ(ask("GET", "/v1/chat/completions", kKeyA).code, 404);

  HeaderList headers = kKeyA;
  headers.emplace_back("cookie", "session=1");
  headers.emplace_back("x-aigw-api-key", "mine");
  const Answer good = ask("POST", "/v1/chat/completions", headers, kChat);
  EXPECT_EQ(good.code, 200) << good.body;
  EXPECT_EQ(good.body, kAnswer) << "bytes pass";
  EXPECT_FALSE(good.headers.contains("openai-organization"));
  ASSERT_EQ(openai.heads.size(), 1u);
  const auto& sent = openai.heads[0].headers;
  EXPECT_EQ(sent.get("authorization"), "Bearer sk-provider");
  EXPECT_FALSE(sent.contains("cookie"));
  EXPECT_FALSE(sent.contains("x-aigw-api-key"));
  EXPECT_TRUE(sent.get("host").starts_with("127.0.0.1:")) << sent.get("host");
  EXPECT_EQ(openai.bodies[0], kChat);
}

TEST_F(AiGateway, AnOpenAiClientReachesAnthropic) {
  Provider claude{.body = testdata("chat_to_anthropic/answer.json")};
  start(base_objects() + provider("c", "Anthropic", upstream(claude.handler())) +
        ai_route("{name: c, modelNameOverride: claude-sonnet-4-5}") + books());
  const Answer whole = ask("POST", "/v1/chat/completions", {}, kChat);
  ASSERT_EQ(whole.code, 200) << whole.body;
  const json answer = json::parse(whole.body);
  EXPECT_EQ(answer["object"], "chat.completion");
  EXPECT_EQ(answer["model"], "m") << "clients see the name that they know";
  EXPECT_EQ(answer["choices"][0]["message"]["content"], "It is sunny.");
  ASSERT_EQ(claude.heads.size(), 1u);
  EXPECT_EQ(claude.heads[0].target, "/v1/messages");
  EXPECT_EQ(claude.heads[0].headers.get("x-api-key"), "sk-provider");
  EXPECT_EQ(json::parse(claude.bodies[0])["model"], "claude-sonnet-4-5");

  claude.type = "text/event-stream";
  claude.body = testdata("chat_to_anthropic/stream.txt");
  const Answer stream = ask("POST", "/v1/chat/completions", {},
                            R"({"model":"m","messages":[{"role":"user","content":"hi"}],)"
                            R"("max_tokens":9,"stream":true})");
  ASSERT_EQ(stream.code, 200);
  EXPECT_EQ(stream.headers.get("content-type"), "text/event-stream");
  EXPECT_NE(stream.body.find("chat.completion.chunk"), std::string::npos) << stream.body;
  EXPECT_TRUE(stream.body.ends_with("data: [DONE]\n\n")) << stream.body;

  const json used = usage();
  ASSERT_EQ(used["data"].size(), 1u) << used;
  EXPECT_EQ(used["data"][0]["model"], "m");
  EXPECT_EQ(used["data"][0]["route"], "default/models");
  EXPECT_EQ(used["data"][0]["backend"], "default/c");
  EXPECT_EQ(used["data"][0]["requests"], 2);
  EXPECT_GT(used["totals"]["output_tokens"].get<int>(), 42) << used;
  EXPECT_EQ(usage("?from=nonsense")["error"]["code"], 400);
}

TEST_F(AiGateway, AnAnthropicClientReachesOpenAi) {
  Provider openai{.body = kAnswer};
  start(base_objects() + provider("a", "OpenAI", upstream(openai.handler())) +
        ai_route("{name: a}"));
  const std::string question =
      R"({"model":"m","max_tokens":9,"messages":[{"role":"user","content":"hi"}])";
  const Answer whole = ask("POST", "/anthropic/v1/messages", {}, question + "}");
  ASSERT_EQ(whole.code, 200) << whole.body;
  EXPECT_EQ(json::parse(whole.body)["content"][0]["text"], "yes");
  EXPECT_EQ(openai.heads[0].target, "/v1/chat/completions");
  openai.type = "text/event-stream";
  openai.body = kStream;
  const Answer stream = ask("POST", "/v1/messages", {}, question + R"(,"stream":true})");
  ASSERT_EQ(stream.code, 200) << stream.body;
  EXPECT_NE(stream.body.find("event: content_block_delta"), std::string::npos) << stream.body;
  EXPECT_NE(stream.body.find("event: message_stop"), std::string::npos) << stream.body;
  // A provider that breaks off ends in an error event of the client's dialect, never in a stop.
  openai.body = std::string(kStream).substr(0, std::string(kStream).find("\n\n") + 2);
  const Answer cut = ask("POST", "/v1/messages", {}, question + R"(,"stream":true})");
  EXPECT_NE(cut.body.find("event: error\ndata: {\"error\""), std::string::npos) << cut.body;
  EXPECT_EQ(cut.body.find("message_stop"), std::string::npos) << cut.body;
  // An answer that is none is nothing that a client should parse.
  openai.type = "application/json";
  openai.body = "<html>";
  EXPECT_EQ(ask("POST", "/v1/messages", {}, question + "}").code, 502);
}

TEST_F(AiGateway, UsageIsCountedWithoutShowingIt) {
  Provider openai{.type = "text/event-stream", .body = kStream};
  start(base_objects() + provider("a", "OpenAI", upstream(openai.handler())) +
        ai_route("{name: a}",
                 "  llmRequestCosts: [{metadataKey: cost, type: CEL, cel: "
                 "\"input_tokens + output_tokens * 4u\"}]") +
        books());
  const std::string ask_for = R"({"model":"m","messages":[],"stream":true)";
  const Answer hidden = ask("POST", "/v1/chat/completions", {}, ask_for + "}");
  EXPECT_TRUE(json::parse(openai.bodies[0])["stream_options"]["include_usage"].get<bool>());
  EXPECT_EQ(hidden.body.find("usage"), std::string::npos) << hidden.body;
  EXPECT_TRUE(hidden.body.ends_with("\"stop\"}]}\n\ndata: [DONE]\n\n")) << hidden.body;
  const Answer shown = ask("POST", "/v1/chat/completions", {},
                           ask_for + R"(,"stream_options":{"include_usage":true}})");
  EXPECT_EQ(shown.body, kStream);
  const json totals = usage()["totals"];
  EXPECT_EQ(totals["requests"], 2);
  EXPECT_EQ(totals["input_tokens"], 14);
  EXPECT_EQ(totals["output_tokens"], 6);
  EXPECT_EQ(totals["cost"], 2 * (7 + 3 * 4));
}

TEST_F(AiGateway, AliasesAndTheListOfModels) {
  Provider openai{.body = kAnswer};
  start(base_objects() + provider("a", "OpenAI", upstream(openai.handler())) +
        ai_route("{name: a}",
                 "  - {matches: [{headers: [{name: x-ai-eg-model, value: secret}]}], "
                 "backendRefs: [{name: a}]}") +
        kind_policy("ModelAliases", "{aliases: {nick: m}}") + keys("", "[m, nick]"));
  const Answer answer =
      ask("POST", "/v1/chat/completions", kKeyA, R"({"model":"nick","messages":[]})");
  ASSERT_EQ(answer.code, 200) << answer.body;
  EXPECT_EQ(json::parse(openai.bodies[0])["model"], "m");
  EXPECT_EQ(json::parse(answer.body)["model"], "nick");
  const json list = json::parse(ask("GET", "/v1/models", kKeyA).body);
  ASSERT_EQ(list["data"].size(), 2u) << list;
  EXPECT_EQ(list["data"][0]["id"], "m");
  EXPECT_EQ(list["data"][1]["id"], "nick");
  EXPECT_EQ(json::parse(ask("GET", "/anthropic/v1/models", kKeyA).body)["first_id"], "m");
  EXPECT_EQ(json::parse(ask("GET", "/v1/models/nick", kKeyA).body)["id"], "nick");
  EXPECT_EQ(ask("GET", "/v1/models/secret", kKeyA).code, 404);
  EXPECT_EQ(ask("GET", "/v1/models").code, 401);
  EXPECT_EQ(ask("POST", "/v1/chat/completions", kKeyA, R"({"messages":[]})").code, 400);
}

TEST_F(AiGateway, WhatCannotBeSaidIsRefusedBeforeItIsSent) {
  Provider claude{.body = "{}"};
  start(base_objects() + provider("c", "Anthropic", upstream(claude.handler())) +
        ai_route("{name: c}"));
  const Answer warm = ask("POST", "/v1/chat/completions", {},
                          R"({"model":"m","max_tokens":9,"temperature":1.5,)"
                          R"("messages":[{"role":"user","content":"hi"}]})");
  EXPECT_EQ(warm.code, 422) << warm.body;
  EXPECT_EQ(ask("POST", "/v1/embeddings", {}, R"({"model":"m","input":"x"})").code, 422);
  EXPECT_EQ(ask("POST", "/v1/chat/completions", {}, R"({"model":"m","messages":7})").code, 400);
  EXPECT_EQ(ask("POST", "/v1/chat/completions", {}, R"({"model":"unknown"})").code, 404);
  EXPECT_TRUE(claude.heads.empty());
}

TEST_F(AiGateway, OtherRoutesHaveKeysAndBooksAndTheirBytesPass) {
  Provider engine{.body = kAnswer};
  start(base_objects() + gateway::testing::pool("p", {upstream(engine.handler())}) +
        gateway::testing::route("r",
                                "  - {backendRefs: [{group: inference.networking.k8s.io, kind: "
                                "InferencePool, name: p}]}") +
        keys() + books());
  EXPECT_EQ(ask("POST", "/v1/chat/completions", {}, kChat).code, 401);
  const Answer answer = ask("POST", "/v1/chat/completions?x=1", kKeyA, kChat);
  EXPECT_EQ(answer.code, 200);
  EXPECT_EQ(answer.body, kAnswer);
  ASSERT_EQ(engine.heads.size(), 1u);
  EXPECT_EQ(engine.heads[0].target, "/v1/chat/completions?x=1");
  EXPECT_FALSE(engine.heads[0].headers.contains("authorization"));
  EXPECT_EQ(ask("GET", "/version").code, 200) << "no endpoint of a model: no key";
  const json used = usage();
  ASSERT_EQ(used["data"].size(), 1u) << used;
  EXPECT_EQ(used["data"][0]["key"], "team-a");
  EXPECT_EQ(used["data"][0]["backend"], "default/p");
  EXPECT_EQ(used["totals"]["input_tokens"], 7);
}

}  // namespace
}  // namespace nacelle::gateway::ai
