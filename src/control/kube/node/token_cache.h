// token_cache.h: tokens of service accounts for pods, asked for once and again before they expire.
//
// get() never waits: a token that is not there is asked for, and `arrived` tells when it came.
//
// Home:    the client's loop. stop() before destruction.
// Errors:  get(): failed_precondition while the token is asked for or refused, with the reason.
// Bounds:  kMaxTokens; beyond it those longest unused are forgotten.
// Source:  kubernetes-api.md section 22.4 (rotated at 80 % of their life).
#pragma once

#include <functional>
#include <map>
#include <string>
#include <tuple>

#include "async/task_scope.h"
#include "base/result.h"
#include "control/core/pod/pod_spec.h"
#include "kube/client.h"

namespace nacelle::control::node {

class TokenCache {
 public:
  static constexpr std::size_t kMaxTokens = 4096;
  static constexpr Duration kTryAgain = std::chrono::seconds(30);

  TokenCache(kube::Client& client, std::function<void(const std::string& pod_uid)> arrived);
  [[nodiscard]] async::Task<void> stop();

  [[nodiscard]] Result<std::string> get(const pod::PodSpec& spec, const pod::TokenVolume& volume);

 private:
  using Key = std::tuple<std::string, std::string, std::int64_t>;  // pod uid, audience, seconds
  struct Entry {
    std::string token;
    Status why = failed_precondition("the token of the service account is being asked for");
    TimePoint renew_at{};
    TimePoint used{};
    bool asking = false;
  };
  struct Asked {
    Key key;
    std::string name_space, account;
    std::string pod;
  };

  async::Task<void> ask(Asked asked);

  kube::Client& client_;
  const std::function<void(const std::string&)> arrived_;
  std::map<Key, Entry> entries_;
  async::StopScope scope_;
};

}  // namespace nacelle::control::node
