// piece_cache.h: tokens of pieces of prompts that were tokenised before.
//
// A conversation that grows by a turn comes again with all turns before it. Its prompt is cut where
// tokens cannot depend on each other (Tokenizer::independent_pieces), and each piece is looked up
// by a 128-bit hash: only the new turns are tokenised. System prompts are shared the same way.
//
// Home:    thread-safe; one leaf lock, held for a look-up and the copy of a piece's tokens.
// Bounds:  `max_bytes`; the piece that was not used for longest goes first.
#pragma once

#include <cstddef>
#include <cstdint>
#include <list>
#include <mutex>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/token.h"

namespace nacelle::router {

class PieceCache {
 public:
  explicit PieceCache(std::size_t max_bytes) : max_bytes_(max_bytes) {}

  // XXH3-128. Not made to withstand who looks for collisions: one would send a prompt elsewhere,
  // nothing more.
  struct Key {
    std::uint64_t low, high;
    friend bool operator==(const Key&, const Key&) = default;
  };
  [[nodiscard]] static Key key_of(std::string_view piece);

  // Appends the piece's tokens; false when they are not here.
  [[nodiscard]] bool find(const Key& key, std::vector<TokenId>& tokens);
  void insert(const Key& key, std::vector<TokenId> tokens);

  struct Stats {
    std::uint64_t hits = 0, misses = 0;
    std::size_t pieces = 0, bytes = 0;
  };
  [[nodiscard]] Stats stats() const;

 private:
  struct KeyHash {
    std::size_t operator()(const Key& key) const { return key.low; }
  };
  struct Piece {
    Key key;
    std::vector<TokenId> tokens;
  };
  static std::size_t bytes_of(const Piece& piece);

  const std::size_t max_bytes_;
  mutable std::mutex mutex_;
  std::list<Piece> pieces_;  // the most recently used first
  std::unordered_map<Key, std::list<Piece>::iterator, KeyHash> by_key_;
  std::size_t bytes_ = 0;
  std::uint64_t hits_ = 0, misses_ = 0;
};

}  // namespace nacelle::router
