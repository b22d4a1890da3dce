#include "kube/token_access.h"

#include <openssl/evp.h>

#include "base/check.h"
#include "telemetry/log.h"

namespace nacelle::kube {
namespace {

const Resource kTokenReviews{"authentication.k8s.io", "v1", "tokenreviews"};
const Resource kAccessReviews{"authorization.k8s.io", "v1", "subjectaccessreviews"};

}  // namespace

std::string TokenAccess::key_of(const std::string& token, const std::string& path) {
  const std::string text = token + '\0' + path;
  unsigned char digest[EVP_MAX_MD_SIZE];
  unsigned size = 0;
  CHECK(EVP_Digest(text.data(), text.size(), digest, &size, EVP_sha256(), nullptr) == 1);
  return {reinterpret_cast<const char*>(digest), size};
}

void TokenAccess::keep(const std::string& key, Verdict verdict) {
  const TimePoint now = clock_.now();
  if (kept_.size() >= kMaxKept) {
    std::erase_if(kept_, [now](const auto& entry) { return entry.second.until <= now; });
    if (kept_.size() >= kMaxKept) return;  // a flood of tokens: those that are known stay
  }
  kept_[key] = {verdict, now + (verdict == Verdict::kAllowed ? kKeepAllowed : kKeepRefused)};
}

async::Task<std::optional<Json>> TokenAccess::review(Resource resource, std::string kind,
                                                     Json spec) {
  Json question = {
      {"apiVersion", resource.api_version()}, {"kind", kind}, {"spec", std::move(spec)}};
  Result<Answer> answer =
      co_await client_.create_object(std::move(resource), std::string(), std::move(question));
  if (answer.ok() && answer->ok()) co_return std::move(answer->body);
  log::warn("the API server does not review", {{"kind", kind}, {"why", status_of(answer)}});
  co_return std::nullopt;
}

async::Task<TokenAccess::Verdict> TokenAccess::ask(std::string token, std::string path) {
  Json bearer = {{"token", std::move(token)}};
  const std::optional<Json> known =
      co_await review(kTokenReviews, "TokenReview", std::move(bearer));
  if (!known) co_return Verdict::kUnknown;
  if (!bool_at(*known, {"status", "authenticated"})) co_return Verdict::kUnauthenticated;
  const Json user = map_at(*known, {"status", "user"});
  Json spec = {{"user", text_at(user, {"username"})},
               {"nonResourceAttributes", {{"path", std::move(path)}, {"verb", "get"}}}};
  for (const char* field : {"groups", "uid", "extra"}) {
    if (user.contains(field)) spec[field] = user[field];
  }
  const std::optional<Json> may =
      co_await review(kAccessReviews, "SubjectAccessReview", std::move(spec));
  if (!may) co_return Verdict::kUnknown;
  const bool allowed = bool_at(*may, {"status", "allowed"}) && !bool_at(*may, {"status", "denied"});
  co_return allowed ? Verdict::kAllowed : Verdict::kForbidden;
}

async::Task<TokenAccess::Verdict> TokenAccess::may_get(std::string token, std::string path) {
  if (token.empty() || token.size() > kMaxTokenBytes) co_return Verdict::kUnauthenticated;
  const std::string key = key_of(token, path);
  const auto found = kept_.find(key);
  if (found != kept_.end() && found->second.until > clock_.now()) co_return found->second.verdict;
  if (open_ >= kMaxOpen) co_return Verdict::kUnknown;
  ++open_;
  const Verdict verdict = co_await ask(std::move(token), std::move(path));
  --open_;
  if (verdict != Verdict::kUnknown) keep(key, verdict);
  co_return verdict;
}

}  // namespace nacelle::kube
