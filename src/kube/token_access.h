// token_access.h: whether the bearer of a token may read a path of ours, as the cluster's own
// rules say: a TokenReview says who it is, a SubjectAccessReview whether they may.
//
//   TokenAccess access(client, clock);
//   const TokenAccess::Verdict verdict = co_await access.may_get(token, "/metrics");
//
// Answers are kept, by the hash of the token: kAllowed a minute, no's ten seconds; so a scraper
// costs two calls a minute, and one whose rights were taken loses them within a minute.
//
// Home:    the client's loop.
// Errors:  kUnknown when the API server was not reached, said no to the question itself (our own
//          account may not ask), or too many questions are open.
// Bounds:  kMaxKept answers, kMaxOpen questions at a time, tokens of kMaxTokenBytes.
// Source:  kubernetes-api.md section 7; k8s.io/apiserver's delegating authentication.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <unordered_map>

#include "async/task.h"
#include "base/clock.h"
#include "kube/client.h"

namespace nacelle::kube {

class TokenAccess {
 public:
  enum class Verdict { kAllowed, kUnauthenticated, kForbidden, kUnknown };
  static constexpr std::size_t kMaxKept = 1000;
  static constexpr std::size_t kMaxOpen = 16;
  static constexpr std::size_t kMaxTokenBytes = 16 * 1024;
  static constexpr Duration kKeepAllowed = std::chrono::seconds(60);
  static constexpr Duration kKeepRefused = std::chrono::seconds(10);

  // Both outlive this and every question.
  TokenAccess(Client& client, const Clock& clock) : client_(client), clock_(clock) {}

  [[nodiscard]] async::Task<Verdict> may_get(std::string token, std::string path);

 private:
  struct Kept {
    Verdict verdict;
    TimePoint until;
  };
  // What a secret is known by: no token stays in memory.
  static std::string key_of(const std::string& token, const std::string& path);
  void keep(const std::string& key, Verdict verdict);
  async::Task<Verdict> ask(std::string token, std::string path);
  // The answer to one question; nullopt when there was none.
  async::Task<std::optional<Json>> review(Resource resource, std::string kind, Json spec);

  Client& client_;
  const Clock& clock_;
  std::unordered_map<std::string, Kept> kept_;
  std::size_t open_ = 0;
};

}  // namespace nacelle::kube
