// ai_config.h: the AI part of the gateway's configuration, as typed values.
//
// One YAML stream holds objects in the shape of Envoy AI Gateway (aigateway.envoyproxy.io:
// AIGatewayRoute, AIServiceBackend, BackendSecurityPolicy, QuotaPolicy, GatewayConfig), of Envoy
// Gateway (Backend) and of Kubernetes (Secret), and what they have no word for in
// gateway.nacelle.dev/v1alpha1: ClientKeySet, RateLimitPolicy, ModelAliases, UsageStore,
// FallbackPolicy. Objects of other kinds are left to their own parsers, and so is what could be
// wrong within Secret and Backend, which the gateway reads as well.
//
// Home:    parsed once, then immutable.
// Errors:  invalid_argument with every problem on a line of its own, "Kind ns/name: path: what".
// Source:  gateway.md sections 6, 9, 10 and 11.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "gateway/ai/auth/upstream_auth.h"
#include "gateway/ai/fallback.h"
#include "gateway/ai/keys/client_key.h"
#include "gateway/ai/limits/rate_limit.h"
#include "gateway/ai/models/model_catalogue.h"
#include "provider/body_mutation.h"
#include "provider/schema.h"

namespace nacelle::gateway::ai {

// "namespace/name"; an object without namespace is in "default".
using ObjectName = std::string;

struct HeaderMutation {
  std::vector<std::pair<std::string, std::string>> set;
  std::vector<std::string> remove;
};

struct RequestCost {  // llmRequestCosts[]
  std::string metadata_key;
  CostKind kind = CostKind::kTotal;
  std::optional<CostExpression> expression;
  // Of the kinds that are one count: which.
  enum class Count : std::uint8_t { kInput, kCached, kCacheCreation, kOutput, kTotal, kReasoning };
  Count count = Count::kTotal;

  [[nodiscard]] Result<std::uint64_t> evaluate(const CostInputs& inputs) const;
};

struct ServiceBackend {  // AIServiceBackend with the Backend it names
  ObjectName name;
  provider::Backend schema;
  ObjectName backend_ref;
  std::string ref_kind = "Backend";    // or Service or InferencePool
  std::uint16_t ref_port = 0;          // of a Service
  std::vector<std::string> endpoints;  // host:port, of a Backend
  HeaderMutation headers;
  provider::BodyMutation body;
};

struct RouteBackend {  // AIGatewayRoute rules[].backendRefs[]
  ObjectName backend;
  bool inference_pool = false;
  std::string model_override;
  std::uint32_t weight = 1;
  std::uint32_t priority = 0;
  HeaderMutation headers;
  provider::BodyMutation body;
};

struct RouteHeaderMatch {
  std::string name;  // lower case
  std::string value;
  bool regex = false;
};

struct AiRouteRule {
  std::string name;
  std::vector<std::vector<RouteHeaderMatch>> matches;  // ORed; inside ANDed
  std::vector<RouteBackend> backends;
  Duration request_timeout = 60s;  // of all attempts, the whole answer included; 0 = none
  Duration backend_timeout{};      // of one attempt
  Duration stream_idle_timeout{};  // 0 = none
  std::string models_owned_by = "Envoy AI Gateway";
  std::int64_t models_created = 0;
};

struct ParentRef {  // a Gateway and, where it is said, one of its listeners
  std::string name, space, section;
  std::optional<std::uint16_t> port;
};

struct AiRoute {
  ObjectName name;
  std::vector<ParentRef> parents;  // none: every listener
  std::vector<std::string> hostnames;
  std::vector<AiRouteRule> rules;
  std::vector<RequestCost> costs;  // the global ones with the route's own over them
};

struct SecurityPolicy {  // BackendSecurityPolicy
  ObjectName name;
  std::vector<ObjectName> targets;
  BackendCredential credential;  // static parts; keys that come from files are empty here
  std::string key_file;          // read by CredentialSource, "" = none
  std::string aws_profile = "default";
  Secret gcp_service_account;  // its JSON, "" = none
  std::optional<HeaderOverride> override_from;
};

struct QuotaRule {
  ObjectName backend;
  std::string model;  // equals the backendRef's modelNameOverride
  RateLimit limit;
};

struct UsageConfig {
  std::string path;  // "" = no books
  std::uint32_t retention_days = 400;
  Duration flush_interval = 1s;
};

struct AiConfig {
  std::vector<AiRoute> routes;
  std::vector<ServiceBackend> backends;
  std::vector<SecurityPolicy> security;
  std::vector<QuotaRule> quotas;
  std::vector<RateLimit> rate_limits;
  std::vector<ClientKey> keys;
  bool keys_required = false;  // a ClientKeySet is there
  ModelAliases aliases{{}};
  std::optional<UsageConfig> usage;
  FallbackPolicy fallback;

  [[nodiscard]] const ServiceBackend* backend(std::string_view name) const;
  [[nodiscard]] const SecurityPolicy* policy_for(std::string_view backend) const;
  // The listing of /v1/models that the routes' exact x-ai-eg-model matches make.
  [[nodiscard]] ModelCatalogue catalogue() const;
};

// The value of an environment variable, nullopt when it is not set; apps/ passes getenv.
using Environment = std::function<std::optional<std::string>(const std::string& name)>;

[[nodiscard]] Result<AiConfig> parse_ai_config(std::string_view text,
                                               const Environment& environment);
// The same from several files: pairs of name and text, which problems name.
[[nodiscard]] Result<AiConfig> parse_ai_config(
    std::span<const std::pair<std::string, std::string>> files, const Environment& environment);

}  // namespace nacelle::gateway::ai
