#include "gateway/ai/ai_runtime.h"

#include <algorithm>

#include "gateway/ai/ai_request.h"

namespace nacelle::gateway::ai {

namespace {

// The one named "cost", else the first expression.
const RequestCost* cost_of(const AiRoute& route) {
  const RequestCost* out = nullptr;
  for (const RequestCost& cost : route.costs) {
    if (cost.metadata_key == "cost") return &cost;
    if (out == nullptr && cost.kind == CostKind::kExpression) out = &cost;
  }
  return out;
}

bool is_models_path(std::string_view path) {
  if (path.starts_with("/anthropic/")) path.remove_prefix(10);
  return path == "/v1/models" || path.starts_with("/v1/models/");
}

}  // namespace

Result<std::shared_ptr<AiRuntime>> AiRuntime::make(std::shared_ptr<const AiConfig> config,
                                                   AiShared shared) {
  std::shared_ptr<AiRuntime> out(new AiRuntime(std::move(config), std::move(shared)));
  if (out->config_->keys_required) {
    ASSIGN_OR_RETURN(out->keys_, KeyTable::make(out->config_->keys));
  }
  out->resolve_rules();
  out->counts_tokens_ = out->needs_counts();
  return out;
}

void AiRuntime::resolve_rules() {
  for (const AiRoute& route : config_->routes) {
    for (const AiRouteRule& rule : route.rules) {
      AiRule resolved{.route = &route, .rule = &rule, .cost = cost_of(route)};
      for (const RouteBackend& ref : rule.backends) {
        AiBackend backend{.ref = &ref};
        if (!ref.inference_pool) {
          backend.service = config_->backend(ref.backend);
          backend.security = config_->policy_for(ref.backend);
        }
        for (const QuotaRule& quota : config_->quotas) {
          if (quota.backend == ref.backend) backend.quotas.push_back(&quota);
        }
        resolved.backends.push_back(std::move(backend));
      }
      rules_.push_back(std::move(resolved));
    }
  }
}

bool AiRuntime::needs_counts() const {
  const auto counts = [](const RateLimit& limit) { return limit.cost != CostKind::kRequests; };
  const auto any = [&](const std::vector<RateLimit>& limits) {
    return std::any_of(limits.begin(), limits.end(), counts);
  };
  return shared_.books != nullptr || !config_->quotas.empty() || any(config_->rate_limits) ||
         std::any_of(config_->keys.begin(), config_->keys.end(),
                     [&](const ClientKey& key) { return any(key.rate_limits); }) ||
         std::any_of(config_->routes.begin(), config_->routes.end(),
                     [](const AiRoute& route) { return !route.costs.empty(); });
}

std::vector<const RateLimit*> AiRuntime::durable_limits() const {
  std::vector<const RateLimit*> out;
  const auto add = [&](const RateLimit& limit) {
    if (limit.durable) out.push_back(&limit);
  };
  for (const RateLimit& limit : config_->rate_limits) add(limit);
  for (const QuotaRule& quota : config_->quotas) add(quota.limit);
  for (const ClientKey& key : config_->keys) {
    for (const RateLimit& limit : key.rate_limits) add(limit);
  }
  return out;
}

std::unique_ptr<RequestExtension> AiRuntime::begin(const net::http::RequestHead& head,
                                                   std::string_view path) const {
  if (head.method == "POST") {
    if (const auto endpoint = provider::endpoint_of(path))
      return std::make_unique<AiRequest>(*this, endpoint, path);
  } else if (head.method == "GET" && !config_->routes.empty() && is_models_path(path)) {
    return std::make_unique<AiRequest>(*this, std::nullopt, path);
  }
  return nullptr;
}

}  // namespace nacelle::gateway::ai
