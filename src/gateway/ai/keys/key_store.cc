#include "gateway/ai/keys/key_store.h"

#include <openssl/crypto.h>

#include <cstring>
#include <unordered_set>

#include "gateway/ai/glob.h"
#include "openai/json_writer.h"
#include "provider/client_error.h"

namespace nacelle::gateway::ai {

namespace {

constexpr std::size_t kMaxKeyBytes = 4096;

// "" when the request carries no key.
std::string_view presented_key(const net::http::Headers& headers) {
  constexpr std::string_view kScheme = "bearer ";
  std::string_view value = headers.get("authorization");
  if (value.size() > kScheme.size() &&
      net::http::equals_ignore_case(value.substr(0, kScheme.size()), kScheme)) {
    value.remove_prefix(kScheme.size());
    while (value.starts_with(' ')) value.remove_prefix(1);
    return value;
  }
  return headers.get("x-api-key");
}

// What SDKs match on beside the status.
std::string_view error_code(const Status& status) {
  switch (status.code()) {
    case Code::kUnauthenticated:
      return "invalid_api_key";
    case Code::kPermissionDenied:
      return "key_not_allowed";
    case Code::kNotFound:
      return "model_not_found";
    case Code::kResourceExhausted:
      return "rate_limit_exceeded";
    default:
      return "invalid_request";
  }
}

std::string_view error_type(const Status& status) {
  return status.code() == Code::kResourceExhausted ? "rate_limit_error" : "invalid_request_error";
}

}  // namespace

bool ClientKey::allows_model(std::string_view model) const {
  if (models.empty()) return true;
  for (const std::string& glob : models) {
    if (matches_glob(glob, model)) return true;
  }
  return false;
}

std::size_t KeyTable::HashOfHash::operator()(const Sha256& hash) const {
  std::size_t out = 0;
  std::memcpy(&out, hash.data(), sizeof out);
  return out;
}

Result<std::shared_ptr<const KeyTable>> KeyTable::make(std::vector<ClientKey> keys) {
  std::shared_ptr<KeyTable> out(new KeyTable());
  std::unordered_set<std::string> ids;
  for (std::size_t i = 0; i < keys.size(); ++i) {
    if (!ids.insert(keys[i].id).second) return already_exists("two keys have id {}", keys[i].id);
    if (!out->by_hash_.emplace(keys[i].hash, i).second) {
      return already_exists("key {} equals another key", keys[i].id);
    }
  }
  out->keys_ = std::move(keys);
  return std::shared_ptr<const KeyTable>(std::move(out));
}

Result<const ClientKey*> KeyTable::authenticate(const net::http::Headers& headers,
                                                WallTime now) const {
  const std::string_view presented = presented_key(headers);
  if (presented.empty()) {
    return unauthenticated("no API key: send Authorization: Bearer <key> or x-api-key");
  }
  if (presented.size() > kMaxKeyBytes) return unauthenticated("incorrect API key");
  const Sha256 hash = sha256(presented);
  const auto found = by_hash_.find(hash);
  if (found == by_hash_.end()) return unauthenticated("incorrect API key");
  const ClientKey& key = keys_[found->second];
  if (CRYPTO_memcmp(key.hash.data(), hash.data(), hash.size()) != 0) {
    return unauthenticated("incorrect API key");
  }
  if (key.disabled) return permission_denied("API key {} is disabled", key.id);
  if (key.expires && now >= *key.expires)
    return permission_denied("API key {} has expired", key.id);
  return &key;
}

Status KeyTable::authorize_model(const ClientKey& key, std::string_view model) {
  if (key.allows_model(model)) return {};
  return not_found("The model `{}` does not exist or this API key has no access to it.", model);
}

int client_error_status(const Status& status) { return provider::http_status(status); }

std::string client_error_body(provider::Dialect dialect, const Status& status) {
  if (dialect == provider::Dialect::kAnthropic) {
    return provider::anthropic_error(provider::anthropic_error_type(client_error_status(status)),
                                     status.message());
  }
  std::string out;
  openai::JsonWriter writer(out);
  writer.begin_object().key("error").begin_object();
  writer.key("message").string(status.message()).key("type").string(error_type(status));
  writer.key("param");
  if (status.code() == Code::kNotFound) {
    writer.string("model");
  } else {
    writer.null();
  }
  writer.key("code").string(error_code(status)).end_object().end_object();
  return out;
}

}  // namespace nacelle::gateway::ai
