// ai_policy_test.cc: limits, quotas, fallback and configuration, from socket to socket.
#include <gtest/gtest.h>

#include "gateway/ai/testing/ai_fixture.h"

namespace nacelle::gateway::ai {
namespace {

using namespace testing;  // NOLINT: the fixture's words

class AiPolicy : public AiFixture {};

TEST_F(AiPolicy, LimitsRefuseAndSurviveReloadAndRestart) {
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

TEST_F(AiPolicy, TheNextBackendAnswersWhenTheFirstFails) {
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

TEST_F(AiPolicy, AQuotaThatIsUsedUpMovesOnOrRefuses) {
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

TEST_F(AiPolicy, EveryProblemOfAllKindsIsListedAtOnce) {
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

TEST_F(AiPolicy, TheDocumentedExampleBecomesRoutesAndClusters) {
  const std::string page = *read_file(std::string(NACELLE_SOURCE_DIR) + "/docs/ai-gateway.md");
  const std::size_t begin = page.find("```yaml\n") + 8;
  const std::string yaml = page.substr(begin, page.find("```", begin) - begin);
  AiPart part([](const std::string&) { return std::optional<std::string>("sk"); });
  const auto model = parse_model({{"example.yaml", yaml}}, &part);
  ASSERT_TRUE(model.ok()) << model.error().message();
  ASSERT_EQ(model->rules.size(), 2u);
  EXPECT_EQ(model->rules[0].cluster_name, "aigatewayroute/default/models/rule/0");
  EXPECT_EQ(model->rules[1].tag, 1u);
  EXPECT_EQ(model->rules[0].stream_idle_timeout, Duration(30s));
  EXPECT_EQ(model->rules[0].first_byte_timeout, Duration(30s));
  EXPECT_EQ(model->rules[0].request_timeout, Duration(60s));
  ASSERT_EQ(model->rules[0].backends.size(), 2u);
  EXPECT_EQ(model->rules[0].backends[1].name, "default/claude");
  EXPECT_EQ(model->rules[0].backends[1].priority, 1u);
  EXPECT_EQ(model->rules[0].backends[1].tag, 1u);
  ASSERT_EQ(model->clusters.size(), 2u);
  EXPECT_EQ(model->clusters[0].name, "backend/default/openai");
  EXPECT_EQ(model->clusters[0].endpoints, std::vector<std::string>{"api.openai.com:443"});
  EXPECT_TRUE(model->clusters[0].tls.has_value()) << "port 443 means TLS";
  ASSERT_EQ(model->ports[0].routes[0].size(), 2u) << "without parents on every listener";
  EXPECT_EQ(model->ports[0].routes[0][0].match.headers[0].name, "x-ai-eg-model");
  // Without the part these kinds are unknown, and say so.
  EXPECT_FALSE(parse_model({{"example.yaml", yaml}}).ok());
}

TEST_F(AiPolicy, ABackendOfAnotherNamespaceNeedsAGrant) {
  const std::string foreign = R"(
---
apiVersion: aigateway.envoyproxy.io/v1beta1
kind: AIServiceBackend
metadata: {name: a, namespace: other}
spec: {schema: {name: OpenAI}, backendRef: {name: a}}
---
apiVersion: gateway.envoyproxy.io/v1alpha1
kind: Backend
metadata: {name: a, namespace: other}
spec: {endpoints: [{ip: {address: 127.0.0.1, port: 1}}]}
)";
  const std::string grant = R"(
---
apiVersion: gateway.networking.k8s.io/v1beta1
kind: ReferenceGrant
metadata: {name: g, namespace: other}
spec:
  from: [{group: aigateway.envoyproxy.io, kind: AIGatewayRoute, namespace: default}]
  to:
  - {group: aigateway.envoyproxy.io, kind: AIServiceBackend}
  - {group: gateway.envoyproxy.io, kind: Backend}
)";
  AiPart part([](const std::string&) { return std::nullopt; });
  const std::string objects = base_objects() + foreign + ai_route("{name: a, namespace: other}");
  const auto refused = parse_model({{"f", objects}}, &part);
  ASSERT_FALSE(refused.ok());
  EXPECT_NE(refused.error().message().find("no ReferenceGrant in namespace other"),
            std::string::npos);
  const auto model = parse_model({{"f", objects + grant}}, &part);
  EXPECT_TRUE(model.ok()) << model.error().message();
}

}  // namespace
}  // namespace nacelle::gateway::ai
