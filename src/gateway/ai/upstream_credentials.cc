#include "gateway/ai/upstream_credentials.h"

#include "telemetry/log.h"

namespace nacelle::gateway::ai {

Result<std::shared_ptr<UpstreamCredentials>> UpstreamCredentials::open(
    std::shared_ptr<const AiConfig> config, const UpstreamCredentials* before) {
  std::shared_ptr<UpstreamCredentials> out(new UpstreamCredentials(std::move(config)));
  std::string problems;
  const auto check = [&](const SecurityPolicy& policy, const Status& status) {
    if (status.ok()) return;
    if (!problems.empty()) problems += '\n';
    problems += fmt::format("BackendSecurityPolicy {}: {}", policy.name, status.message());
  };
  for (const SecurityPolicy& policy : out->config_->security) {
    Entry entry;
    if (!policy.key_file.empty()) {
      auto file = CredentialSource::open(policy.key_file);
      if (file) {
        entry.file = std::move(*file);
        check(policy, out->take(policy, entry, entry.file->current()->reveal(), before));
      } else {
        check(policy, file.error());
      }
    } else if (!policy.gcp_service_account.empty()) {
      check(policy, out->take(policy, entry, policy.gcp_service_account.reveal(), before));
    }
    out->entries_.push_back(std::move(entry));
  }
  if (!problems.empty()) return Status(Code::kInvalidArgument, problems);
  return out;
}

// What a file or a Secret holds, understood by the policy's type.
Status UpstreamCredentials::take(const SecurityPolicy& policy, Entry& entry,
                                 const std::string& text, const UpstreamCredentials* before) {
  if (policy.credential.type == AuthType::kAwsCredentials) {
    ASSIGN_OR_RETURN(AwsCredentials parsed, parse_aws_credentials(text, policy.aws_profile));
    const std::lock_guard lock(mutex_);
    entry.aws = std::move(parsed);
  } else if (policy.credential.type == AuthType::kGcpToken) {
    std::shared_ptr<GcpTokenSource> source;
    if (before != nullptr) {
      const std::lock_guard lock(before->mutex_);
      for (const Entry& old : before->entries_) {
        if (old.gcp && old.account == text) source = old.gcp;
      }
    }
    if (!source) {
      ASSIGN_OR_RETURN(ServiceAccount account, parse_service_account(text));
      source = std::make_shared<GcpTokenSource>(std::move(account));
    }
    const std::lock_guard lock(mutex_);
    entry.account = text;
    entry.gcp = std::move(source);
  }
  return {};
}

BackendCredential UpstreamCredentials::current(const SecurityPolicy& policy) const {
  BackendCredential out = policy.credential;
  const Entry& entry = entries_[static_cast<std::size_t>(&policy - config_->security.data())];
  if (out.type == AuthType::kGcpToken) {
    const std::lock_guard lock(mutex_);
    if (entry.gcp) out.key = entry.gcp->current()->text;
  } else if (entry.file && out.type == AuthType::kAwsCredentials) {
    const std::lock_guard lock(mutex_);
    out.aws = entry.aws;
  } else if (entry.file) {
    out.key = *entry.file->current();
  }
  return out;
}

Status UpstreamCredentials::refresh(const SecurityPolicy& policy, Entry& entry, WallTime now,
                                    const GcpTokenSource::Exchange& exchange) {
  if (entry.file) {
    ASSIGN_OR_RETURN(const bool changed, entry.file->refresh());
    if (changed) RETURN_IF_ERROR(take(policy, entry, entry.file->current()->reveal(), nullptr));
  }
  std::shared_ptr<GcpTokenSource> gcp;
  {
    const std::lock_guard lock(mutex_);
    gcp = entry.gcp;
  }
  return gcp ? gcp->refresh(now, exchange) : Status();
}

void UpstreamCredentials::refresh(WallTime now, const GcpTokenSource::Exchange& exchange) {
  for (std::size_t i = 0; i < entries_.size(); ++i) {
    const SecurityPolicy& policy = config_->security[i];
    const Status status = refresh(policy, entries_[i], now, exchange);
    if (!status.ok() && status.message() != entries_[i].last_problem) {
      log::warn("upstream credential not renewed; the one before stays in use",
                {{"policy", policy.name}, {"why", status}});
    }
    entries_[i].last_problem = status.ok() ? "" : status.message();
  }
}

}  // namespace nacelle::gateway::ai
