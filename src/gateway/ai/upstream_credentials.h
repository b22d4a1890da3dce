// upstream_credentials.h: the credentials of one configuration's BackendSecurityPolicies, kept
// fresh: files are read again when they change, tokens are renewed before they end.
//
// Home:    current() any thread; refresh() one thread, which may block.
// Errors:  open() names every policy whose file cannot be read or understood. A refresh that fails
//          leaves what was there in use and is logged once per reason.
#pragma once

#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "base/result.h"
#include "gateway/ai/auth/credential_source.h"
#include "gateway/ai/auth/gcp_token_source.h"
#include "gateway/ai/config/ai_config.h"

namespace nacelle::gateway::ai {

class UpstreamCredentials {
 public:
  // Tokens of accounts that `before` (may be null) knows are taken over from there.
  [[nodiscard]] static Result<std::shared_ptr<UpstreamCredentials>> open(
      std::shared_ptr<const AiConfig> config, const UpstreamCredentials* before);

  // `policy` is one of the configuration's.
  [[nodiscard]] BackendCredential current(const SecurityPolicy& policy) const;

  void refresh(WallTime now, const GcpTokenSource::Exchange& exchange);

 private:
  struct Entry {
    std::unique_ptr<CredentialSource> file;  // null: nothing comes from a file
    AwsCredentials aws;                      // guarded; of a file
    std::string account;                     // guarded; the service account's JSON
    std::shared_ptr<GcpTokenSource> gcp;     // guarded
    std::string last_problem;                // of the refreshing thread
  };

  explicit UpstreamCredentials(std::shared_ptr<const AiConfig> config)
      : config_(std::move(config)) {}
  Status take(const SecurityPolicy& policy, Entry& entry, const std::string& text,
              const UpstreamCredentials* before);
  Status refresh(const SecurityPolicy& policy, Entry& entry, WallTime now,
                 const GcpTokenSource::Exchange& exchange);

  const std::shared_ptr<const AiConfig> config_;
  mutable std::mutex mutex_;
  std::vector<Entry> entries_;  // as config_->security
};

}  // namespace nacelle::gateway::ai
