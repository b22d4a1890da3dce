#include "kube/server/tokens.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

#include <algorithm>
#include <array>

#include "base/base64.h"
#include "kube/server/state.h"

namespace nacelle::kube::server {
namespace {

constexpr std::string_view kIssuer = "https://kubernetes.default.svc.cluster.local";

bool same(std::string_view a, std::string_view b) {
  return a.size() == b.size() && CRYPTO_memcmp(a.data(), b.data(), a.size()) == 0;
}

}  // namespace

User Tokens::admin() {
  return {
      .name = "kubernetes-admin", .uid = "", .groups = {"system:masters", "system:authenticated"}};
}

std::string Tokens::sign(std::string_view text) const {
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  unsigned int size = 0;
  HMAC(EVP_sha256(), key_.data(), static_cast<int>(key_.size()),
       reinterpret_cast<const unsigned char*>(text.data()), text.size(), digest.data(), &size);
  return encode_base64_url({reinterpret_cast<const char*>(digest.data()), size});
}

std::string Tokens::issue(const Claims& claims) const {
  const std::string subject =
      "system:serviceaccount:" + claims.account.name_space + ":" + claims.account.name;
  Json kubernetes = {
      {"namespace", claims.account.name_space},
      {"serviceaccount", {{"name", claims.account.name}, {"uid", claims.account_uid}}}};
  if (text_at(claims.bound, {"kind"}) == "Pod") {
    kubernetes["pod"] = {{"name", text_at(claims.bound, {"name"})},
                         {"uid", text_at(claims.bound, {"uid"})}};
  }
  const Json payload = {{"iss", kIssuer},          {"sub", subject},
                        {"aud", claims.audiences}, {"iat", claims.issued_s},
                        {"nbf", claims.issued_s},  {"exp", claims.expires_s},
                        {"jti", new_uid()},        {"kubernetes.io", kubernetes}};
  const std::string text =
      encode_base64_url(R"({"alg":"HS256","typ":"JWT"})") + "." + encode_base64_url(payload.dump());
  return text + "." + sign(text);
}

std::optional<User> Tokens::user_of(std::string_view token, std::int64_t now_s) const {
  if (same(token, admin_token_)) return admin();
  const std::size_t last = token.rfind('.');
  if (last == std::string_view::npos || token.size() > 16384) return std::nullopt;
  if (!same(sign(token.substr(0, last)), token.substr(last + 1))) return std::nullopt;
  const std::size_t first = token.find('.');
  if (first >= last) return std::nullopt;
  const auto payload = decode_base64_url(token.substr(first + 1, last - first - 1));
  if (!payload.has_value()) return std::nullopt;
  const Json claims = Json::parse(*payload, nullptr, false);
  const auto expires = number_at(claims, {"exp"});
  if (!expires.has_value() || *expires <= now_s) return std::nullopt;
  const std::string name_space(text_at(claims, {"kubernetes.io", "namespace"}));
  return User{.name = std::string(text_at(claims, {"sub"})),
              .uid = std::string(text_at(claims, {"kubernetes.io", "serviceaccount", "uid"})),
              .groups = {"system:serviceaccounts", "system:serviceaccounts:" + name_space,
                         "system:authenticated"}};
}

}  // namespace nacelle::kube::server
