// kv_cache.h: gives sequences their blocks, shares cached prefixes, remembers full blocks.
//
// Puts BlockPool (who holds a block), PrefixIndex (what a block holds) and BlockHasher together.
// Full blocks enter the index when they are allocated, before the step that fills them has run: a
// sequence admitted in the same step may already hit them. Blocks that hold a draft or a pending
// token enter later, when the token is known.
//
// Home:       the engine loop. Not thread-safe.
// Invariant:  the references of a block are the block tables it is in.
// Source:     engine.md section 23.
#pragma once

#include <cstdint>
#include <utility>
#include <vector>

#include "engine/core/block_hash.h"
#include "engine/core/block_pool.h"
#include "engine/core/cache_event_log.h"
#include "engine/core/prefix_index.h"
#include "engine/core/sequence.h"

namespace nacelle::engine {

struct KvCacheOptions {
  std::uint32_t num_blocks = 2;
  std::uint32_t block_size = 16;
  bool enable_prefix_caching = true;
  bool record_events = false;
};

class KvCache {
 public:
  KvCache(const KvCacheOptions& options, BlockHasher hasher);

  // The blocks of the longest cached prefix, without taking them: at most (tokens - 1) /
  // block_size, so that at least one token is always computed. Hashes the tokens on the way.
  void find_prefix(Sequence& sequence, std::vector<BlockId>& hit);

  // True when `hit` and new blocks up to `num_tokens` positions can be had now.
  [[nodiscard]] bool fits(const Sequence& sequence, const std::vector<BlockId>& hit,
                          std::uint32_t num_tokens) const;

  // Takes `hit` (which then counts as computed) and new blocks so that `num_new` more tokens have
  // slots, and enters the blocks that become full in the index. False, and no change, when it does
  // not fit.
  [[nodiscard]] bool allocate(Sequence& sequence, const std::vector<BlockId>& hit,
                              std::uint32_t num_new);

  // Hashes the known tokens, so that find_prefix() need not. For a sequence that waits.
  void hash_ahead(Sequence& sequence);

  // Enters full blocks of known, computed tokens in the index that allocate() could not enter yet,
  // because their last token was pending or a draft.
  void cache_computed(Sequence& sequence);

  // Room for all that the sequence may become: later steps allocate no memory for it.
  void reserve(Sequence& sequence) const;

  // Gives back all blocks, the last one first: the deepest are reused first. Content stays cached.
  void release(Sequence& sequence);

  // Takes blocks from `first_block` on out of the index, because their content was or will not be
  // computed as the index says.
  void forget(Sequence& sequence, std::uint32_t first_block);

  // Forgets all content. False, and no change, while any block is in use.
  [[nodiscard]] bool reset();

  // What happened since the last call, in order, in exchange for an empty log.
  void swap_events(CacheEventLog& log) { std::swap(events_, log); }
  [[nodiscard]] std::vector<CacheEvent> take_events();

  [[nodiscard]] std::uint32_t blocks_for(std::uint32_t num_tokens) const {
    return num_tokens / options_.block_size + (num_tokens % options_.block_size != 0 ? 1 : 0);
  }
  [[nodiscard]] double usage() const {
    return 1.0 - static_cast<double>(pool_.num_free()) / pool_.num_usable();
  }
  [[nodiscard]] const KvCacheOptions& options() const { return options_; }
  [[nodiscard]] const BlockPool& pool() const { return pool_; }
  [[nodiscard]] const PrefixIndex& index() const { return index_; }

 private:
  void hash_up_to(Sequence& sequence, std::uint32_t num_blocks);
  void cache_full_blocks(Sequence& sequence, std::uint32_t num_blocks);
  void enter(Sequence& sequence, std::uint32_t first, std::uint32_t end);
  void record_stored(const Sequence& sequence, std::uint32_t first, std::uint32_t end);
  void erase_from_index(BlockId block);
  std::span<const TokenId> tokens_of(const Sequence& sequence, std::uint32_t block_index) const;
  const BlockHash& parent_of(const Sequence& sequence, std::uint32_t block_index) const;

  KvCacheOptions options_;
  BlockHasher hasher_;
  BlockPool pool_;
  PrefixIndex index_;
  CacheEventLog events_;
};

}  // namespace nacelle::engine
