// tokens.h: who a bearer token is: the administrator's, or a signed one of a service account.
//
// Signed tokens are JWTs with HMAC-SHA256 under a key of the data folder.
//
// Home:    immutable; any thread. Tokens are compared in constant time and never logged.
// Source:  kubernetes-api.md sections 3 and 15 (serviceaccounts/token).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "kube/object.h"
#include "kube/server/call.h"

namespace nacelle::kube::server {

class Tokens {
 public:
  Tokens(std::string admin_token, std::string signing_key)
      : admin_token_(std::move(admin_token)), key_(std::move(signing_key)) {}

  // nullopt for unknown, forged and expired tokens.
  [[nodiscard]] std::optional<User> user_of(std::string_view token, std::int64_t now_s) const;

  struct Claims {
    ObjectKey account;
    std::string account_uid;
    Json audiences = Json::array();
    Json bound = nullptr;  // {"kind": "Pod", "name": ..., "uid": ...}
    std::int64_t issued_s = 0;
    std::int64_t expires_s = 0;
  };
  [[nodiscard]] std::string issue(const Claims& claims) const;

  [[nodiscard]] static User admin();

 private:
  [[nodiscard]] std::string sign(std::string_view text) const;

  const std::string admin_token_;
  const std::string key_;
};

}  // namespace nacelle::kube::server
