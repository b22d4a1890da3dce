// ai_fixture.h: the AI gateway in front of providers that the test plays, over sockets.
//
// Home:    tests; all parts share one loop (gateway/testing/fixture.h).
#pragma once

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "base/file.h"
#include "gateway/ai/ai_plane.h"
#include "gateway/ai/auth/digest.h"
#include "gateway/ai/config/ai_part.h"
#include "gateway/testing/fixture.h"

namespace nacelle::gateway::ai::testing {

using async::Task;
using gateway::testing::Answer;
using gateway::testing::base_objects;
using gateway::testing::HeaderList;
using net::http::ResponseHead;
using net::http::ServerExchange;
using nlohmann::json;

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

inline std::string testdata(const std::string& name) {
  return *read_file(std::string(NACELLE_TESTDATA) + "/provider/" + name, 1 << 20);
}

inline std::string hex_of(std::string_view key) {
  std::string out;
  for (const auto byte : sha256(key)) out += fmt::format("{:02x}", byte);
  return out;
}

inline constexpr const char* kChat =
    R"({"model":"m","messages":[{"role":"user","content":"hi"}],"max_tokens":9})";
inline constexpr const char* kAnswer =
    R"({"id":"c","object":"chat.completion","model":"real","choices":[{"index":0,"message":)"
    R"({"role":"assistant","content":"yes"},"finish_reason":"stop"}],)"
    R"("usage":{"prompt_tokens":7,"completion_tokens":3,"total_tokens":10}})";
inline constexpr const char* kStream =
    "data: "
    "{\"id\":\"c\",\"model\":\"real\",\"choices\":[{\"index\":0,\"delta\":{\"content\":\"yes\"},"
    "\"finish_reason\":null}]}\n\n"
    "data: {\"id\":\"c\",\"model\":\"real\",\"choices\":[{\"index\":0,\"delta\":{},"
    "\"finish_reason\":\"stop\"}]}\n\n"
    "data: {\"id\":\"c\",\"model\":\"real\",\"choices\":[],\"usage\":{\"prompt_tokens\":7,"
    "\"completion_tokens\":3,\"total_tokens\":10}}\n\n"
    "data: [DONE]\n\n";

class AiFixture : public gateway::testing::GatewayFixture {
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

// The fields of a BackendSecurityPolicy for the schema.
inline std::string security_for(const std::string& schema) {
  if (schema == "Anthropic") return "type: AnthropicAPIKey\n  anthropicAPIKey: {env: PROVIDER_KEY}";
  if (schema.starts_with("Azure")) return "type: AzureAPIKey\n  azureAPIKey: {env: PROVIDER_KEY}";
  if (schema.starts_with("AWS"))
    return "type: AWSCredentials\n  awsCredentials: {region: eu-north-1, credentialsFile: "
           "{secretRef: {name: aws}}}";
  if (schema.starts_with("GCP"))
    return "type: GCPCredentials\n  gcpCredentials: {projectName: p1, region: r1, "
           "credentialsFile: {}}\n  credentialOverride: {fromRequestHeaders: {}}";
  return "type: APIKey\n  apiKey: {env: PROVIDER_KEY}";
}

// An AIServiceBackend with its Backend, and the provider's key. version: of the schema, as JSON.
inline std::string provider(const std::string& name, const std::string& schema,
                            const std::string& address, const std::string& version = "") {
  const std::size_t colon = address.rfind(':');
  std::string out =
      fmt::format(R"(
---
apiVersion: aigateway.envoyproxy.io/v1beta1
kind: AIServiceBackend
metadata: {{name: {0}}}
spec: {{schema: {{name: {1}{2}}}, backendRef: {{name: {0}, kind: Backend, group: gateway.envoyproxy.io}}}}
---
apiVersion: gateway.envoyproxy.io/v1alpha1
kind: Backend
metadata: {{name: {0}}}
spec: {{endpoints: [{{ip: {{address: {3}, port: {4}}}}}]}}
---
apiVersion: aigateway.envoyproxy.io/v1beta1
kind: BackendSecurityPolicy
metadata: {{name: {0}}}
spec:
  targetRefs: [{{kind: AIServiceBackend, group: aigateway.envoyproxy.io, name: {0}}}]
  {5}
)",
                  name, schema, version.empty() ? "" : ", version: " + version,
                  address.substr(0, colon), address.substr(colon + 1), security_for(schema));
  if (schema.starts_with("AWS"))
    out += R"(
---
apiVersion: v1
kind: Secret
metadata: {name: aws}
stringData: {credentials: "[default]\naws_access_key_id = AKIDEXAMPLE\naws_secret_access_key = abc\n"}
)";
  return out;
}

// An AIGatewayRoute without parents: `backends` for model m, and more rules.
inline std::string ai_route(const std::string& backends, const std::string& more = "") {
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

inline std::string keys(const std::string& limits = "", const std::string& models = "[m]") {
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

inline const HeaderList kKeyA = {{"authorization", "Bearer key-a"},
                                 {"content-type", "application/json"}};

inline std::string kind_policy(const std::string& kind, const std::string& spec) {
  return fmt::format(
      "\n---\napiVersion: gateway.nacelle.dev/v1alpha1\nkind: {}\n"
      "metadata: {{name: p}}\nspec: {}\n",
      kind, spec);
}

}  // namespace nacelle::gateway::ai::testing
