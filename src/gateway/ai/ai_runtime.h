// ai_runtime.h: one AI configuration as it runs: names resolved, limits in lists, keys by hash.
//
// Requests in hand keep the one that they began with. Counters, books and tokens are shared with
// the configurations before and after it.
//
// Home:    immutable but for the thread-safe parts it points to; any loop.
#pragma once

#include <memory>
#include <span>
#include <vector>

#include "gateway/ai/config/ai_config.h"
#include "gateway/ai/keys/key_store.h"
#include "gateway/ai/limits/rate_limiter.h"
#include "gateway/ai/upstream_credentials.h"
#include "gateway/ai/usage/usage_writer.h"
#include "gateway/extension.h"

namespace nacelle::gateway::ai {

struct AiBackend {
  const RouteBackend* ref = nullptr;
  const ServiceBackend* service = nullptr;   // null: an InferencePool of our own
  const SecurityPolicy* security = nullptr;  // null: no credential
  std::vector<const QuotaRule*> quotas;      // of this backend, for all models
};

struct AiRule {
  const AiRoute* route = nullptr;
  const AiRouteRule* rule = nullptr;
  std::vector<AiBackend> backends;    // as the rule's
  const RequestCost* cost = nullptr;  // what the books count; may be null
};

// What outlives a configuration.
struct AiShared {
  std::shared_ptr<RateLimiter> limiter;
  std::shared_ptr<UsageWriter> books;  // null: no UsageStore
  std::shared_ptr<UpstreamCredentials> credentials;
};

class AiRuntime final : public Extension {
 public:
  // Errors: two keys are one.
  [[nodiscard]] static Result<std::shared_ptr<AiRuntime>> make(
      std::shared_ptr<const AiConfig> config, AiShared shared);

  // Requests of the endpoints that clients of models use, and of the list of models.
  [[nodiscard]] std::unique_ptr<RequestExtension> begin(const net::http::RequestHead& head,
                                                        std::string_view path) const override;

  [[nodiscard]] const AiConfig& config() const { return *config_; }
  [[nodiscard]] const AiShared& shared() const { return shared_; }
  // Null: nobody needs a key.
  [[nodiscard]] const KeyTable* keys() const { return keys_.get(); }
  [[nodiscard]] const ModelCatalogue& catalogue() const { return catalogue_; }
  [[nodiscard]] const AiRule& rule(std::uint32_t tag) const { return rules_[tag]; }
  // Usage in streams must be known, although clients do not ask for it.
  [[nodiscard]] bool counts_tokens() const { return counts_tokens_; }
  // Durable limits, by whose names counters are put back after a restart.
  [[nodiscard]] std::vector<const RateLimit*> durable_limits() const;

 private:
  AiRuntime(std::shared_ptr<const AiConfig> config, AiShared shared)
      : config_(std::move(config)), shared_(std::move(shared)), catalogue_(config_->catalogue()) {}
  void resolve_rules();
  [[nodiscard]] bool needs_counts() const;

  const std::shared_ptr<const AiConfig> config_;
  const AiShared shared_;
  std::shared_ptr<const KeyTable> keys_;
  const ModelCatalogue catalogue_;
  std::vector<AiRule> rules_;  // by tag
  bool counts_tokens_ = false;
};

}  // namespace nacelle::gateway::ai
