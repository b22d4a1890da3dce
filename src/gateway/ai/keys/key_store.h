// key_store.h: finds the client key of a request.
//
//   auto key = store.snapshot()->authenticate(headers, now);     // Status: 401 or 403
//   RETURN_IF_ERROR(KeyTable::authorize_model(**key, model));    // Status: 404
//   body = client_error_body(dialect, status);
//
// A key comes as `Authorization: Bearer <key>` or `x-api-key: <key>`. Only hashes are kept; the
// look-up is by hash, and the hash found is compared in constant time, so neither tells an
// attacker how much of a guess was right.
//
// Home:    KeyTable is immutable; any thread. KeyStore::replace from one thread, snapshot() from
// any. Errors:  unauthenticated: no key or an unknown one; permission_denied: disabled or expired;
//          not_found: the model is none of this key's.
#pragma once

#include <memory>
#include <mutex>
#include <string>
#include <unordered_map>
#include <vector>

#include "base/result.h"
#include "gateway/ai/keys/client_key.h"
#include "net/http/headers.h"
#include "provider/schema.h"

namespace nacelle::gateway::ai {

class KeyTable {
 public:
  // Errors: already_exists when two keys share an id or a hash.
  [[nodiscard]] static Result<std::shared_ptr<const KeyTable>> make(std::vector<ClientKey> keys);

  // The pointer lives as long as the table.
  [[nodiscard]] Result<const ClientKey*> authenticate(const net::http::Headers& headers,
                                                      WallTime now) const;
  [[nodiscard]] static Status authorize_model(const ClientKey& key, std::string_view model);

  [[nodiscard]] const std::vector<ClientKey>& keys() const { return keys_; }

 private:
  KeyTable() = default;

  struct HashOfHash {
    std::size_t operator()(const Sha256& hash) const;
  };
  std::vector<ClientKey> keys_;
  std::unordered_map<Sha256, std::size_t, HashOfHash> by_hash_;
};

class KeyStore {
 public:
  explicit KeyStore(std::shared_ptr<const KeyTable> table) : table_(std::move(table)) {}

  [[nodiscard]] std::shared_ptr<const KeyTable> snapshot() const {
    const std::lock_guard lock(mutex_);
    return table_;
  }
  void replace(std::shared_ptr<const KeyTable> table) {
    const std::lock_guard lock(mutex_);
    table_ = std::move(table);
  }

 private:
  mutable std::mutex mutex_;
  std::shared_ptr<const KeyTable> table_;
};

// The HTTP status and the body, in the client's dialect, of a refusal by key, model or limit.
[[nodiscard]] int client_error_status(const Status& status);
[[nodiscard]] std::string client_error_body(provider::Dialect dialect, const Status& status);

}  // namespace nacelle::gateway::ai
