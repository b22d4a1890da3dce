#include "control/kube/node/token_cache.h"

#include <algorithm>
#include <chrono>
#include <utility>

#include "kube/time.h"

namespace nacelle::control::node {
namespace {

TimePoint now() { return std::chrono::steady_clock::now(); }

}  // namespace

TokenCache::TokenCache(kube::Client& client, std::function<void(const std::string&)> arrived)
    : client_(client), arrived_(std::move(arrived)), scope_(client.loop()) {}

async::Task<void> TokenCache::stop() {
  scope_.stop();
  scope_.cancel();
  co_await scope_.join();
}

Result<std::string> TokenCache::get(const pod::PodSpec& spec, const pod::TokenVolume& volume) {
  const TimePoint current = now();
  Key key(spec.uid, volume.audience, volume.expiration_seconds);
  if (entries_.size() >= kMaxTokens && !entries_.contains(key)) {
    std::erase_if(entries_, [&](const auto& entry) {
      return !entry.second.asking && current - entry.second.used > std::chrono::minutes(10);
    });
    if (entries_.size() >= kMaxTokens) {
      return resource_exhausted("{} tokens are held, the bound", kMaxTokens);
    }
  }
  Entry& entry = entries_[key];
  entry.used = current;
  if (!entry.asking && current >= entry.renew_at && !scope_.stop_requested()) {
    entry.asking = true;
    scope_.spawn(ask({std::move(key), spec.name_space,
                      spec.service_account.empty() ? "default" : spec.service_account, spec.name}));
  }
  if (!entry.token.empty()) return entry.token;
  return entry.why;
}

async::Task<void> TokenCache::ask(Asked asked) {
  const auto& [uid, audience, seconds] = asked.key;
  kube::Json spec = {{"audiences", kube::Json::array()},
                     {"expirationSeconds", seconds},
                     {"boundObjectRef",
                      {{"apiVersion", "v1"}, {"kind", "Pod"}, {"name", asked.pod}, {"uid", uid}}}};
  if (!audience.empty()) spec["audiences"].push_back(audience);
  const kube::ObjectRef account(kube::Resource("", "v1", "serviceaccounts"), asked.name_space,
                                asked.account, "token");
  kube::Call call(kube::object_path(account));
  call.method = "POST";
  call.content_type = "application/json";
  call.body = kube::text_of({{"apiVersion", "authentication.k8s.io/v1"},
                             {"kind", "TokenRequest"},
                             {"spec", std::move(spec)}});
  const Result<kube::Answer> answer = co_await client_.call(std::move(call));
  const auto found = entries_.find(asked.key);
  if (found == entries_.end()) co_return;
  Entry& entry = found->second;
  entry.asking = false;
  const Status status = kube::status_of(answer);
  std::string token;
  if (status.ok()) token = kube::text_at(answer->body, {"status", "token"});
  if (token.empty()) {
    entry.why =
        failed_precondition("no token of service account {}/{}: {}", asked.name_space,
                            asked.account, status.ok() ? "the answer has none" : status.message());
    entry.renew_at = now() + kTryAgain;
    co_return;
  }
  entry.token = std::move(token);
  // The server may give another life than the one that was asked for.
  Duration life = std::chrono::seconds(seconds);
  const auto ends =
      kube::parse_time(kube::text_at(answer->body, {"status", "expirationTimestamp"}));
  if (ends) life = std::chrono::duration_cast<Duration>(*ends - kube::wall_now());
  entry.renew_at = now() + std::clamp<Duration>(life * 4 / 5, kTryAgain, std::chrono::hours(24));
  arrived_(uid);
}

}  // namespace nacelle::control::node
