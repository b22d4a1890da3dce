#include "router/tokens/piece_cache.h"

#include <xxhash.h>

namespace nacelle::router {
namespace {

constexpr std::size_t kOverhead = 128;  // of a list node and a table entry

}  // namespace

PieceCache::Key PieceCache::key_of(std::string_view piece) {
  const XXH128_hash_t hash = XXH3_128bits(piece.data(), piece.size());
  return {hash.low64, hash.high64};
}

std::size_t PieceCache::bytes_of(const Piece& piece) {
  return kOverhead + piece.tokens.capacity() * sizeof(TokenId);
}

bool PieceCache::find(const Key& key, std::vector<TokenId>& tokens) {
  const std::lock_guard lock(mutex_);
  const auto found = by_key_.find(key);
  if (found == by_key_.end()) {
    ++misses_;
    return false;
  }
  ++hits_;
  pieces_.splice(pieces_.begin(), pieces_, found->second);
  tokens.insert(tokens.end(), found->second->tokens.begin(), found->second->tokens.end());
  return true;
}

void PieceCache::insert(const Key& key, std::vector<TokenId> tokens) {
  Piece piece{key, std::move(tokens)};
  const std::size_t bytes = bytes_of(piece);
  if (bytes > max_bytes_ / 4) return;  // one prompt must not empty the cache
  const std::lock_guard lock(mutex_);
  if (by_key_.contains(key)) return;
  pieces_.push_front(std::move(piece));
  by_key_.emplace(key, pieces_.begin());
  bytes_ += bytes;
  while (bytes_ > max_bytes_) {
    bytes_ -= bytes_of(pieces_.back());
    by_key_.erase(pieces_.back().key);
    pieces_.pop_back();
  }
}

PieceCache::Stats PieceCache::stats() const {
  const std::lock_guard lock(mutex_);
  return {hits_, misses_, pieces_.size(), bytes_};
}

}  // namespace nacelle::router
