// model_metrics_test.cc: the gen_ai.* histograms of requests through a gateway: which of them a
// request is counted in, and under which labels.
#include <gtest/gtest.h>

#include <sstream>

#include "gateway/ai/testing/ai_fixture.h"

namespace nacelle::gateway::ai {
namespace {

using namespace testing;  // NOLINT: the fixture's words

constexpr const char* kTokens = "gen_ai_client_token_usage";
constexpr const char* kDuration = "gen_ai_server_request_duration_seconds";
constexpr const char* kFirst = "gen_ai_server_time_to_first_token_seconds";
constexpr const char* kPerToken = "gen_ai_server_time_per_output_token_seconds";

// The sum of the samples of `name` that have all of these labels.
double total(const std::string& metrics, const std::string& name,
             const std::vector<std::pair<std::string, std::string>>& labels) {
  double sum = 0;
  std::istringstream lines(metrics);
  for (std::string line; std::getline(lines, line);) {
    if (!line.starts_with(name + "{")) continue;
    bool all = true;
    for (const auto& [key, value] : labels)
      all = all && line.find(fmt::format("{}=\"{}\"", key, value)) != std::string::npos;
    if (all) sum += std::stod(line.substr(line.rfind(' ') + 1));
  }
  return sum;
}

class ModelMetricsOf : public AiFixture {
 public:
  double count(const std::string& name,
               std::vector<std::pair<std::string, std::string>> labels = {}) {
    for (const auto& label : labels_) labels.push_back(label);
    return total(admin("/metrics"), name + "_count", labels);
  }
  double sum(const std::string& name, std::vector<std::pair<std::string, std::string>> labels) {
    for (const auto& label : labels_) labels.push_back(label);
    return total(admin("/metrics"), name + "_sum", labels);
  }
  std::vector<std::pair<std::string, std::string>> labels_;
};

TEST_F(ModelMetricsOf, RequestsAreCountedUnderTheirNamesAndModels) {
  Provider openai{.body = kAnswer};
  Provider claude{.body = testdata("chat_to_anthropic/answer.json")};
  start(base_objects() + provider("a", "OpenAI", upstream(openai.handler())) +
        provider("c", "Anthropic", upstream(claude.handler())) +
        ai_route("{name: a, modelNameOverride: wanted}",
                 "  - {matches: [{headers: [{name: x-ai-eg-model, value: claude}]}], backendRefs: "
                 "[{name: c, modelNameOverride: claude-sonnet-4-5}]}") +
        kind_policy("ModelAliases", "{aliases: {nick: m}}") + books());
  labels_ = {{"gen_ai_operation_name", "chat"},
             {"gen_ai_provider_name", "openai"},
             {"gen_ai_original_model", "m"},
             {"gen_ai_request_model", "wanted"},
             {"gen_ai_response_model", "real"}};
  ASSERT_EQ(ask("POST", "/v1/chat/completions", {}, kChat).code, 200);
  EXPECT_EQ(count(kDuration, {{"error_type", ""}}), 1);
  EXPECT_EQ(count(kFirst), 0) << "a whole answer has no first token";
  EXPECT_EQ(count(kPerToken), 1) << "three tokens";
  EXPECT_EQ(count(kTokens, {{"gen_ai_token_type", "input"}}), 1);
  EXPECT_EQ(sum(kTokens, {{"gen_ai_token_type", "input"}}), 7);
  EXPECT_EQ(sum(kTokens, {{"gen_ai_token_type", "output"}}), 3);
  EXPECT_EQ(count(kTokens, {{"gen_ai_token_type", "total"}}), 0);

  openai.type = "text/event-stream";
  openai.body = kStream;
  const std::string streamed = R"({"model":"m","messages":[],"stream":true})";
  ASSERT_EQ(ask("POST", "/v1/chat/completions", {}, streamed).code, 200);
  EXPECT_EQ(count(kDuration, {{"error_type", ""}}), 2);
  EXPECT_EQ(count(kFirst), 1);
  EXPECT_EQ(count(kPerToken), 2);
  EXPECT_EQ(sum(kTokens, {{"gen_ai_token_type", "output"}}), 6);

  // Another operation, another provider: all kinds of tokens.
  labels_ = {{"gen_ai_operation_name", "messages"},
             {"gen_ai_provider_name", "anthropic"},
             {"gen_ai_original_model", "claude"},
             {"gen_ai_request_model", "claude-sonnet-4-5"}};
  ASSERT_EQ(ask("POST", "/v1/messages", {},
                R"({"model":"claude","max_tokens":9,"messages":[{"role":"user","content":"hi"}]})")
                .code,
            200);
  EXPECT_EQ(count(kDuration, {{"error_type", ""}}), 1);
  EXPECT_EQ(sum(kTokens, {{"gen_ai_token_type", "cached_input"}}), 20);
  EXPECT_EQ(sum(kTokens, {{"gen_ai_token_type", "cache_creation_input"}}), 5);
  EXPECT_EQ(sum(kTokens, {{"gen_ai_token_type", "output"}}), 42);
}

TEST_F(ModelMetricsOf, FailuresHaveATypeAndNothingElse) {
  Provider openai{.status = 500, .body = R"({"error":{"message":"no"}})"};
  start(base_objects() + provider("a", "OpenAI", upstream(openai.handler())) +
        ai_route("{name: a}") + books());
  labels_ = {{"gen_ai_operation_name", "chat"}, {"gen_ai_provider_name", "openai"}};
  EXPECT_EQ(ask("POST", "/v1/chat/completions", {}, kChat).code, 500);
  EXPECT_EQ(count(kDuration, {{"error_type", "_OTHER"}}), 1);
  EXPECT_EQ(count(kDuration, {{"error_type", ""}}), 0);
  EXPECT_EQ(count(kFirst), 0);
  EXPECT_EQ(count(kPerToken), 0);
  for (const char* type : {"input", "output", "cached_input", "reasoning"})
    EXPECT_EQ(count(kTokens, {{"gen_ai_token_type", type}}), 0) << type;
  // A stream that breaks off is a failure, too, whatever its head said.
  openai.status = 200;
  openai.type = "text/event-stream";
  openai.body = "data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"x\"}}]}\n\n";
  (void)ask("POST", "/v1/messages", {},
            R"({"model":"m","max_tokens":9,"messages":[{"role":"user","content":"hi"}],)"
            R"("stream":true})");
  labels_ = {{"gen_ai_operation_name", "messages"}, {"gen_ai_provider_name", "openai"}};
  EXPECT_EQ(count(kDuration, {{"error_type", "_OTHER"}}), 1);
  EXPECT_EQ(count(kFirst), 0);
}

}  // namespace
}  // namespace nacelle::gateway::ai
