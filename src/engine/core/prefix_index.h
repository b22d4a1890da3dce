// prefix_index.h: which block holds the content that a block hash names.
//
// Several blocks may hold the same content (two sequences computed it at once). An entry lives
// until erase(), whether its block is free or in use. A hit is compared token by token, and its
// parent's hash too: two prefixes with the same hash must never share blocks, and the 128-bit
// algorithms are not made to withstand someone who looks for collisions.
//
// Home:    the engine loop. Not thread-safe.
// Cost:    O(1) expected; nothing is allocated after construction.
// Source:  engine.md section 23.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "base/token.h"
#include "engine/core/block_hash.h"
#include "engine/core/ids.h"

namespace nacelle::engine {

class PrefixIndex {
 public:
  PrefixIndex(std::uint32_t num_blocks, std::uint32_t block_size);

  // `block` must not have an entry yet. `tokens` has block_size elements.
  void insert(BlockId block, const BlockHash& hash, const BlockHash& parent,
              std::span<const TokenId> tokens);

  // Any block with this content.
  [[nodiscard]] std::optional<BlockId> find(const BlockHash& hash, const BlockHash& parent,
                                            std::span<const TokenId> tokens) const;

  // The hash of `block`, or nullptr when it has no entry.
  [[nodiscard]] const BlockHash* hash_of(BlockId block) const;

  // Forgets `block`; nothing happens when it has no entry.
  void erase(BlockId block);
  void clear();

  [[nodiscard]] bool contains(const BlockHash& hash) const;
  [[nodiscard]] std::uint32_t size() const { return size_; }

 private:
  struct Entry {
    BlockHash hash;  // size 0: no entry
    BlockHash parent;
    std::uint32_t next = 0;  // in its bucket's chain; 0, the null block, ends it
  };

  std::uint32_t& bucket(const BlockHash& hash);
  std::uint32_t bucket(const BlockHash& hash) const;
  std::span<const TokenId> tokens_of(std::uint32_t block) const;

  std::uint32_t block_size_;
  std::uint32_t size_ = 0;
  std::vector<std::uint32_t> buckets_;  // first block of each chain; a power of two of them
  std::vector<Entry> entries_;          // by block
  std::vector<TokenId> tokens_;         // [num_blocks, block_size]
};

}  // namespace nacelle::engine
