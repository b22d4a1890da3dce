#include "gateway/ai/config/ai_config.h"

#include <gtest/gtest.h>

#include "base/file.h"
#include "gateway/ai/config/yaml_reader.h"

namespace nacelle::gateway::ai {
namespace {

std::optional<std::string> environment(const std::string& name) {
  if (name == "OPENAI_API_KEY") return "sk-env-key";
  return std::nullopt;
}

// The example of docs/ai-gateway.md is a test: a document that does not load is a broken promise.
TEST(AiConfig, DocumentedExampleLoads) {
  const auto page = read_file(std::string(NACELLE_SOURCE_DIR) + "/docs/ai-gateway.md");
  ASSERT_TRUE(page.ok());
  const std::size_t begin = page->find("```yaml\n");
  ASSERT_NE(begin, std::string::npos);
  const std::size_t end = page->find("```", begin + 8);
  const auto config = parse_ai_config(page->substr(begin + 8, end - begin - 8), environment);
  ASSERT_TRUE(config.ok()) << config.status().message();

  ASSERT_EQ(config->routes.size(), 1u);
  const AiRoute& route = config->routes[0];
  ASSERT_EQ(route.rules.size(), 2u);
  EXPECT_EQ(route.rules[0].backends[0].backend, "default/openai");
  EXPECT_EQ(route.rules[0].backends[1].priority, 1u);
  EXPECT_EQ(route.rules[0].stream_idle_timeout, Duration(30s));
  ASSERT_EQ(route.costs.size(), 2u);
  CostInputs inputs;
  inputs.usage.input = 3;
  inputs.usage.output = 2;
  EXPECT_EQ(*route.costs[0].evaluate(inputs), 11u);
  const ServiceBackend* openai = config->backend("default/openai");
  ASSERT_NE(openai, nullptr);
  EXPECT_EQ(openai->endpoints, std::vector<std::string>{"api.openai.com:443"});
  const SecurityPolicy* policy = config->policy_for("default/openai");
  ASSERT_NE(policy, nullptr);
  EXPECT_EQ(policy->credential.key.reveal(), "sk-env-key");
  EXPECT_EQ(config->policy_for("default/claude")->credential.aws.access_key_id, "AKIDEXAMPLE");
  ASSERT_EQ(config->keys.size(), 1u);
  EXPECT_EQ(config->keys[0].rate_limits[0].name, "key/team-a/month");
  EXPECT_TRUE(config->keys[0].rate_limits[0].durable);
  EXPECT_TRUE(config->keys_required);
  ASSERT_EQ(config->quotas.size(), 2u);
  EXPECT_EQ(config->quotas[0].limit.headers[0].match, HeaderSelector::Match::kDistinct);
  EXPECT_EQ(config->usage->retention_days, 90u);
  EXPECT_TRUE(config->fallback.on_context_length);
  EXPECT_EQ(config->aliases.resolve("gpt-4"), "gpt-4o");
  EXPECT_EQ(config->catalogue().openai_list("any"),
            R"({"object":"list","data":[)"
            R"({"id":"claude","object":"model","created":1767225600,"owned_by":"Anthropic"},)"
            R"({"id":"gpt-4","object":"model","created":0,"owned_by":"Envoy AI Gateway"},)"
            R"({"id":"gpt-4o","object":"model","created":0,"owned_by":"Envoy AI Gateway"}]})");
}

TEST(AiConfig, EveryProblemIsListedWithItsPath) {
  const auto config = parse_ai_config(R"(
kind: AIServiceBackend
metadata: {name: a}
spec:
  schema: {name: OpenAIs, verion: 1}
  backendRef: {name: missing}
---
kind: AIGatewayRoute
metadata: {name: r, namespace: ns}
spec:
  rules:
  - matches: [{headers: [{name: x-ai-eg-model}]}]
    backendRefs: [{name: nowhere, weight: -1}]
    streamIdleTimeout: 1.5s
  llmRequestCosts:
  - {metadataKey: c, type: CEL, cel: "input_tokens * 2"}
---
kind: BackendSecurityPolicy
metadata: {name: p}
spec:
  targetRefs: [{name: a}]
  type: APIKey
  azureAPIKey: {secretRef: {name: none}}
---
kind: ModelAliases
metadata: {name: m}
spec: {aliases: {a: b, b: a}}
)",
                                      environment);
  ASSERT_FALSE(config.ok());
  const std::string& message = config.status().message();
  for (const char* line :
       {"AIServiceBackend default/a: spec.schema.name: expected one of OpenAI, AzureOpenAI",
        "AIServiceBackend default/a: spec.schema.verion: unknown field; there are name, prefix",
        "AIServiceBackend default/a: spec.backendRef: no Backend default/missing",
        "AIGatewayRoute ns/r: spec.rules[0].matches[0].headers[0].value: is needed",
        "AIGatewayRoute ns/r: spec.rules[0].backendRefs[0].weight: expected a whole number",
        "AIGatewayRoute ns/r: spec.rules[0].streamIdleTimeout: '1.5s' is no duration",
        "AIGatewayRoute ns/r: spec.llmRequestCosts[0].cel: column 17: '*' does not take uint",
        "AIGatewayRoute ns/r: no AIServiceBackend ns/nowhere",
        "BackendSecurityPolicy default/p: spec.azureAPIKey: does not belong to spec.type",
        "BackendSecurityPolicy default/p: spec.apiKey: is needed",
        "ModelAliases: 'a' never reaches a model"}) {
    EXPECT_NE(message.find(line), std::string::npos) << line << "\n--- in\n" << message;
  }
}

TEST(AiConfig, NotYamlAndTooLarge) {
  EXPECT_FALSE(parse_ai_config("a: [", environment).ok());
  EXPECT_FALSE(parse_ai_config(std::string(5 << 20, ' '), environment).ok());
  EXPECT_TRUE(parse_ai_config("", environment).ok());
  EXPECT_TRUE(parse_ai_config("kind: HTTPRoute\nspec: {x: 1}", environment).ok())
      << "kinds of other parsers";
}

TEST(AiConfig, DurationsAndTimes) {
  EXPECT_EQ(*parse_duration("1h30m5s250ms"), Duration(5405s + 250ms));
  EXPECT_EQ(*parse_duration("0s"), Duration{});
  for (const char* bad : {"", "1", "s", "-1s", "1us", "123456s", "1h1m1s1ms1s", "1.5s"}) {
    EXPECT_FALSE(parse_duration(bad).ok()) << bad;
  }
  EXPECT_EQ(parse_time("2026-01-31T12:00:00Z")->time_since_epoch().count(), 1769860800);
  for (const char* bad : {"2026-01-31", "2026-02-30T00:00:00Z", "2026-01-31T25:00:00Z",
                          "2026-01-31T12:00:00Z ", "2026-01-31T12:00:00+01:00"}) {
    EXPECT_FALSE(parse_time(bad).ok()) << bad;
  }
}

}  // namespace
}  // namespace nacelle::gateway::ai
