// ai_gateway_test.cc: the AI gateway in front of providers that the test plays, over sockets.
#include <gtest/gtest.h>

#include <filesystem>
#include <nlohmann/json.hpp>

#include "base/file.h"
#include "gateway/ai/ai_plane.h"
#include "gateway/ai/auth/digest.h"
#include "gateway/ai/config/ai_part.h"
#include "gateway/testing/fixture.h"

namespace nacelle::gateway::ai {
namespace {

using async::Task;
using net::http::ResponseHead;
using net::http::ServerExchange;
using nlohmann::json;
using testing::Answer;
using testing::base_objects;
using testing::HeaderList;

// A provider: keeps what it was asked and answers the same each time.
struct Provider {
  int status = 200;
  std::string type = "application/json";
  std::string body;
  std::string retry_after;

  std::vector<net::http::RequestHead> heads;
  std::vector<std::string> bodies;

  static Task<void> answer(Provider* self, ServerExchange* exchange) {
    self->heads.push_back(exchange->request());
    auto body = co_await exchange->read_body(1 << 20);
    self->bodies.push_back(body ? *body : "");
    ResponseHead head;
    head.status = self->status;
    head.headers.add("content-type", self->type);
    head.headers.add("openai-organization", "our-account");
    if (!self->retry_after.empty()) head.headers.add("retry-after", self->retry_after);
    (void)co_await exchange->respond(head, self->body);
  }
  net::http::Handler handler() {
    return [this](ServerExchange& exchange) { return answer(this, &exchange); };
  }
};

std::string testdata(const std::string& name) {
  return *read_file(std::string(NACELLE_TESTDATA) + "/provider/" + name, 1 << 20);
}

std::string hex_of(std::string_view key) {
  std::string out;
  for (const auto byte : sha256(key)) out += fmt::format("{:02x}", byte);
  return out;
}

constexpr const char* kChat =
    R"({"model":"m","messages":[{"role":"user","content":"hi"}],"max_tokens":9})";
constexpr const char* kAnswer =
    R"({"id":"c","object":"chat.completion","model":"real","choices":[{"index":0,"message":)"
    R"({"role":"assistant","content":"yes"},"finish_reason":"stop"}],)"
    R"("usage":{"prompt_tokens":7,"completion_tokens":3,"total_tokens":10}})";
constexpr const char* kStream =
    "data: "
    "{\"id\":\"c\",\"model\":\"real\",\"choices\":[{\"index\":0,\"delta\":{\"content\":\"yes\"},"
    "\"finish_reason\":null}]}\n\n"
    "data: {\"id\":\"c\",\"model\":\"real\",\"choices\":[{\"index\":0,\"delta\":{},"
    "\"finish_reason\":\"stop\"}]}\n\n"
    "data: {\"id\":\"c\",\"model\":\"real\",\"choices\":[],\"usage\":{\"prompt_tokens\":7,"
    "\"completion_tokens\":3,\"total_tokens\":10}}\n\n"
    "data: [DONE]\n\n";

class AiGateway : public testing::GatewayFixture {
 public:
  void SetUp() override {
    GatewayFixture::SetUp();
    ai_ = std::make_unique<AiPlane>(runtime_);
    options_.admin = ai_->admin();
    const auto* info = ::testing::UnitTest::GetInstance()->current_test_info();
    books_ = std::filesystem::temp_directory_path() /
             fmt::format("nacelle-ai-{}-{}.db", ::getpid(), info->name());
    remove_books();
  }
  void TearDown() override {
    ai_->stop();
    GatewayFixture::TearDown();
    ai_.reset();
    remove_books();
  }

  Status apply(const std::string& yaml) override {
    AiPart part([](const std::string& name) -> std::optional<std::string> {
      return name == "PROVIDER_KEY" ? std::optional<std::string>("sk-provider") : std::nullopt;
    });
    auto model = parse_model({{"test.yaml", yaml}}, &part);
    if (!model) return model.error();
    auto extension = ai_->prepare(part.config());
    if (!extension) return extension.error();
    model->extension = std::move(*extension);
    RETURN_IF_ERROR(gateway_->apply(std::move(*model)));
    ai_->commit();
    return {};
  }

  json usage(const std::string& query = "") {
    return json::parse(admin("/usage" + query), nullptr, false);
  }

  void remove_books() const {
    for (const char* end : {"", "-wal", "-shm"}) std::filesystem::remove(books_.string() + end);
  }

  std::string books() const {
    return fmt::format(R"(
---
apiVersion: gateway.nacelle.dev/v1alpha1
kind: UsageStore
metadata: {{name: books}}
spec: {{path: "{}"}}
)",
                       books_.string());
  }

  std::unique_ptr<AiPlane> ai_;
  std::filesystem::path books_;
};

// An AIServiceBackend with its Backend, and the provider's key.
std::string provider(const std::string& name, const std::string& schema,
                     const std::string& address) {
  const std::size_t colon = address.rfind(':');
  return fmt::format(R"(
---
apiVersion: aigateway.envoyproxy.io/v1beta1
kind: AIServiceBackend
metadata: {{name: {0}}}
spec: {{schema: {{name: {1}}}, backendRef: {{name: {0}, kind: Backend, group: gateway.envoyproxy.io}}}}
---
apiVersion: gateway.envoyproxy.io/v1alpha1
kind: Backend
metadata: {{name: {0}}}
spec: {{endpoints: [{{ip: {{address: {2}, port: {3}}}}}]}}
---
apiVersion: aigateway.envoyproxy.io/v1beta1
kind: BackendSecurityPolicy
metadata: {{name: {0}}}
spec:
  targetRefs: [{{kind: AIServiceBackend, group: aigateway.envoyproxy.io, name: {0}}}]
  type: {4}
  {5}: {{env: PROVIDER_KEY}}
)",
                     name, schema, address.substr(0, colon), address.substr(colon + 1),
                     schema == "Anthropic" ? "AnthropicAPIKey" : "APIKey",
                     schema == "Anthropic" ? "anthropicAPIKey" : "apiKey");
}

// An AIGatewayRoute without parents: `backends` for model m, and more rules.
std::string ai_route(const std::string& backends, const std::string& more = "") {
  return fmt::format(R"(
---
apiVersion: aigateway.envoyproxy.io/v1beta1
kind: AIGatewayRoute
metadata: {{name: models}}
spec:
  rules:
  - matches: [{{headers: [{{name: x-ai-eg-model, value: m}}]}}]
    backendRefs: [{}]
{}
)",
                     backends, more);
}

std::string keys(const std::string& limits = "", const std::string& models = "[m]") {
  return fmt::format(R"(
---
apiVersion: gateway.nacelle.dev/v1alpha1
kind: ClientKeySet
metadata: {{name: teams}}
spec:
  keys:
  - {{id: team-a, sha256: {}, models: {}, rateLimits: [{}]}}
  - {{id: gone, sha256: {}, disabled: true}}
)",
                     hex_of("key-a"), models, limits, hex_of("key-gone"));
}

const HeaderList kKeyA = {{"authorization", "Bearer key-a"}, {"content-type", "application/json"}};

std::string kind_policy(const std::string& kind, const std::string& spec) {
  return fmt::format(
      "\n---\napiVersion: gateway.nacelle.dev/v1alpha1\nkind: {}\n"
      "metadata: {{name: p}}\nspec: {}\n",
      kind, spec);
}

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

TEST_F(AiGateway, LimitsRefuseAndSurviveReloadAndRestart) {
  Provider openai{.body = kAnswer};
  const std::string objects = base_objects() + provider("a", "OpenAI", upstream(openai.handler())) +
                              ai_route("{name: a}") + books();
  const std::string limits =
      "{name: n, limit: 3, unit: Year}, {name: t, limit: 15, unit: Year, cost: TotalTokens}";
  start(objects + keys(limits));
  const auto post = [&] { return ask("POST", "/v1/chat/completions", kKeyA, kChat); };
  EXPECT_EQ(post().code, 200);
  // A file with a mistake changes nothing.
  const Status refused = apply(objects + keys("{name: n, limit: -1, unit: Year}"));
  EXPECT_NE(refused.message().find("rateLimits[0].limit"), std::string::npos) << refused.message();
  ASSERT_TRUE(apply(objects + keys(limits)).ok());
  EXPECT_EQ(post().code, 200) << "10 of 15 tokens are used: something is left";
  const Answer over = post();
  EXPECT_EQ(over.code, 429) << over.body;
  EXPECT_EQ(json::parse(over.body)["error"]["code"], "rate_limit_exceeded");
  EXPECT_TRUE(over.headers.contains("retry-after"));
  EXPECT_EQ(over.headers.get("x-ratelimit-remaining"), "0");
  EXPECT_EQ(openai.heads.size(), 2u);
  EXPECT_EQ(usage("?key=team-a")["totals"]["requests"], 2);

  // Another process: counters come back from the books.
  ASSERT_TRUE(apply(objects + keys()).ok());
  EXPECT_EQ(post().code, 200) << "no limit";
  AiPlane second(runtime_);
  AiPart part([](const std::string&) { return std::optional<std::string>("k"); });
  ASSERT_TRUE(parse_model({{"f", objects + keys(limits)}}, &part).ok());
  auto extension = second.prepare(part.config());
  ASSERT_TRUE(extension.ok());
  net::http::RequestHead head;
  head.method = "POST";
  head.headers.add("x-api-key", "key-a");
  auto request = (*extension)->begin(head, "/v1/chat/completions");
  ExchangeRecord record;
  RequestFacts facts;
  facts.model = "m";
  RuleConfig rule;
  rule.tag = 0;
  EXPECT_FALSE(request->on_head(head, record).has_value());
  EXPECT_EQ(record.client_key, "team-a");
  EXPECT_FALSE(request->on_body(facts, record).has_value());
  const auto reply = request->on_route(head, rule, record);
  ASSERT_TRUE(reply.has_value());
  EXPECT_EQ(reply->status, 429);
}

TEST_F(AiGateway, TheNextBackendAnswersWhenTheFirstFails) {
  Provider first{.status = 503, .body = R"({"error":{"message":"busy","type":"x"}})"};
  Provider second{.body = testdata("chat_to_anthropic/answer.json")};
  start(base_objects() + provider("a", "OpenAI", upstream(first.handler())) +
        provider("c", "Anthropic", upstream(second.handler())) +
        ai_route("{name: a}, {name: c, priority: 1, modelNameOverride: claude-x}") +
        kind_policy("FallbackPolicy",
                    "{numRetries: 2, retryOn: {triggers: [connect-failure, context-length, "
                    "retriable-status-codes], httpStatusCodes: [503]}, maxRetryAfter: 2s}"));
  const auto post = [&] { return ask("POST", "/v1/chat/completions", {}, kChat); };
  const Answer rescued = post();
  EXPECT_EQ(rescued.code, 200) << rescued.body;
  EXPECT_EQ(json::parse(rescued.body)["choices"][0]["message"]["content"], "It is sunny.");
  EXPECT_EQ(first.bodies.back(), kChat);
  EXPECT_EQ(json::parse(second.bodies.back())["model"], "claude-x");
  // A prompt that is too long for one model may fit the next; another mistake is the client's.
  first.status = 400;
  first.body = R"({"error":{"message":"x","code":"context_length_exceeded"}})";
  EXPECT_EQ(post().code, 200);
  first.body = R"({"error":{"message":"unknown field"}})";
  const Answer mistake = post();
  EXPECT_EQ(mistake.code, 400);
  EXPECT_EQ(mistake.body, first.body);
  EXPECT_EQ(second.heads.size(), 2u);
  // When all fail the last answer is told, in the client's dialect.
  first.status = 503;
  first.retry_after = "60";
  second.status = 503;
  second.body = R"({"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}})";
  second.retry_after = "60";
  first.heads.clear();
  second.heads.clear();
  const Answer last = post();
  EXPECT_EQ(last.code, 503);
  EXPECT_EQ(json::parse(last.body)["error"]["message"], "Overloaded") << last.body;
  EXPECT_EQ(first.heads.size(), 1u) << "a Retry-After beyond the bound rules it out";
  EXPECT_EQ(second.heads.size(), 1u);
}

TEST_F(AiGateway, AQuotaThatIsUsedUpMovesOnOrRefuses) {
  Provider first{.body = kAnswer};
  Provider second{.body = kAnswer};
  const std::string objects = base_objects() + provider("a", "OpenAI", upstream(first.handler())) +
                              provider("b", "OpenAI", upstream(second.handler())) +
                              ai_route("{name: a}, {name: b, priority: 1}") + R"(
---
apiVersion: aigateway.envoyproxy.io/v1alpha1
kind: QuotaPolicy
metadata: {name: q}
spec:
  targetRefs: [{name: a, kind: AIServiceBackend, group: aigateway.envoyproxy.io}]
  perModelQuotas: [{modelName: m, quota: {defaultBucket: {limit: 5, duration: 1d}}}]
)";
  start(objects);
  const auto post = [&] { return ask("POST", "/v1/chat/completions", {}, kChat).code; };
  EXPECT_EQ(post(), 200);
  EXPECT_EQ(post(), 429);
  EXPECT_EQ(first.heads.size(), 1u);
  ASSERT_TRUE(apply(objects + kind_policy("FallbackPolicy",
                                          "{retryOn: {httpStatusCodes: [429]}, maxRetryAfter: 5s}"))
                  .ok());
  EXPECT_EQ(post(), 200);
  EXPECT_EQ(first.heads.size(), 1u);
  EXPECT_EQ(second.heads.size(), 1u);
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
  start(base_objects() + testing::pool("p", {upstream(engine.handler())}) +
        testing::route("r",
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

TEST_F(AiGateway, EveryProblemOfAllKindsIsListedAtOnce) {
  AiPart part([](const std::string&) { return std::nullopt; });
  const auto model =
      parse_model({{"a.yaml", base_objects() + provider("a", "OpenAIs", "127.0.0.1:1") +
                                  "\n---\napiVersion: v1\nkind: Servce\nmetadata: {name: x}\n"},
                   {"b.yaml", ai_route("{name: nowhere}") + keys() + keys()}},
                  &part);
  ASSERT_FALSE(model.ok());
  const std::string& all = model.error().message();
  for (const char* line :
       {"did you mean 'Service'", "a.yaml: AIServiceBackend default/a: spec.schema.name",
        "a.yaml: BackendSecurityPolicy default/a: spec.apiKey.env: PROVIDER_KEY is not set",
        "AIGatewayRoute default/models: no AIServiceBackend default/nowhere"}) {
    EXPECT_NE(all.find(line), std::string::npos) << line << "\n--- in\n" << all;
  }
  EXPECT_EQ(part.config(), nullptr);
  const auto twice = parse_model({{"f.yaml", base_objects() + keys() + keys()}}, &part);
  ASSERT_FALSE(twice.ok());
  EXPECT_NE(twice.error().message().find("two keys have id team-a"), std::string::npos);
}

}  // namespace
}  // namespace nacelle::gateway::ai
