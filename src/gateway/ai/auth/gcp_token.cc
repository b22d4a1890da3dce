#include "gateway/ai/auth/gcp_token.h"

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>

#include <memory>

#include "base/base64.h"
#include "openai/json_writer.h"
#include "provider/json_members.h"

namespace nacelle::gateway::ai {

namespace {

constexpr std::string_view kScope = "https://www.googleapis.com/auth/cloud-platform";
constexpr auto kLifetime = std::chrono::hours(1);

struct FreeKey {
  void operator()(EVP_PKEY* key) const { EVP_PKEY_free(key); }
  void operator()(BIO* bio) const { BIO_free(bio); }
  void operator()(EVP_MD_CTX* context) const { EVP_MD_CTX_free(context); }
};

Result<std::string> sign_rs256(const Secret& pem, std::string_view text) {
  const std::string& key_text = pem.reveal();
  const std::unique_ptr<BIO, FreeKey> bio(
      BIO_new_mem_buf(key_text.data(), static_cast<int>(key_text.size())));
  const std::unique_ptr<EVP_PKEY, FreeKey> key(
      PEM_read_bio_PrivateKey(bio.get(), nullptr, nullptr, nullptr));
  if (key == nullptr || EVP_PKEY_get_base_id(key.get()) != EVP_PKEY_RSA) {
    ERR_clear_error();
    return invalid_argument("private_key: expected an RSA key in PEM");
  }
  const std::unique_ptr<EVP_MD_CTX, FreeKey> context(EVP_MD_CTX_new());
  const auto* data = reinterpret_cast<const unsigned char*>(text.data());
  std::size_t size = 0;
  if (EVP_DigestSignInit(context.get(), nullptr, EVP_sha256(), nullptr, key.get()) != 1 ||
      EVP_DigestSign(context.get(), nullptr, &size, data, text.size()) != 1) {
    ERR_clear_error();
    return invalid_argument("private_key: this key cannot sign");
  }
  std::string out(size, '\0');
  if (EVP_DigestSign(context.get(), reinterpret_cast<unsigned char*>(out.data()), &size, data,
                     text.size()) != 1) {
    ERR_clear_error();
    return invalid_argument("private_key: this key cannot sign");
  }
  out.resize(size);
  return out;
}

}  // namespace

Result<ServiceAccount> parse_service_account(std::string_view json) {
  const auto members = provider::json::strings_of(
      json, {"client_email", "private_key_id", "private_key", "token_uri"});
  if (!members) return members.error().with_context("service account");
  ServiceAccount out;
  out.client_email = (*members)[0];
  out.private_key_id = (*members)[1];
  out.private_key = Secret((*members)[2]);
  if (!(*members)[3].empty()) out.token_uri = (*members)[3];
  if (out.client_email.empty() || out.private_key.empty()) {
    return invalid_argument("service account: client_email and private_key are needed");
  }
  return out;
}

Result<std::string> signed_assertion(const ServiceAccount& account, WallTime now) {
  const auto issued = now.time_since_epoch().count();
  std::string header;
  openai::JsonWriter(header)
      .begin_object()
      .key("alg")
      .string("RS256")
      .key("typ")
      .string("JWT")
      .key("kid")
      .string(account.private_key_id)
      .end_object();
  std::string claims;
  openai::JsonWriter(claims)
      .begin_object()
      .key("iss")
      .string(account.client_email)
      .key("scope")
      .string(kScope)
      .key("aud")
      .string(account.token_uri)
      .key("iat")
      .integer(issued)
      .key("exp")
      .integer(issued + std::chrono::seconds(kLifetime).count())
      .end_object();
  std::string out = encode_base64_url(header) + "." + encode_base64_url(claims);
  ASSIGN_OR_RETURN(const std::string signature, sign_rs256(account.private_key, out));
  return out + "." + encode_base64_url(signature);
}

Result<TokenRequest> token_request(const ServiceAccount& account, WallTime now) {
  ASSIGN_OR_RETURN(const std::string assertion, signed_assertion(account, now));
  TokenRequest out;
  out.url = account.token_uri;
  out.body = Secret("grant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Ajwt-bearer&assertion=" +
                    assertion);
  return out;
}

Result<Token> parse_token_answer(std::string_view body, WallTime now) {
  const auto members =
      provider::json::strings_of(body, {"access_token", "expires_in", "error_description"});
  if (!members) return unavailable("the token endpoint answered with no JSON object");
  if ((*members)[0].empty()) {
    return unavailable("the token endpoint gave no token: {}", (*members)[2]);
  }
  Token out;
  out.text = Secret((*members)[0]);
  // Without a lifetime the token is used for a minute's worth of freshness checks only.
  const auto lifetime = provider::json::number_of((*members)[1]).value_or(360);
  out.expires = now + std::chrono::seconds(std::min<std::uint64_t>(lifetime, 86'400));
  return out;
}

}  // namespace nacelle::gateway::ai
