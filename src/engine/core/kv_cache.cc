#include "engine/core/kv_cache.h"

#include <algorithm>
#include <utility>

#include "base/check.h"

namespace nacelle::engine {

KvCache::KvCache(const KvCacheOptions& options, BlockHasher hasher)
    : options_(options),
      hasher_(std::move(hasher)),
      pool_(options.num_blocks),
      index_(options.num_blocks, options.block_size) {
  CHECK(options.block_size > 0);
}

std::span<const TokenId> KvCache::tokens_of(const Sequence& sequence,
                                            std::uint32_t block_index) const {
  return std::span(sequence.tokens)
      .subspan(std::size_t{block_index} * options_.block_size, options_.block_size);
}

const BlockHash& KvCache::parent_of(const Sequence& sequence, std::uint32_t block_index) const {
  return block_index == 0 ? hasher_.root() : sequence.hashes[block_index - 1];
}

void KvCache::hash_up_to(Sequence& sequence, std::uint32_t num_blocks) {
  for (auto i = static_cast<std::uint32_t>(sequence.hashes.size()); i < num_blocks; ++i) {
    sequence.hashes.push_back(
        hasher_.hash(parent_of(sequence, i), tokens_of(sequence, i), sequence.extra_keys(i)));
  }
}

void KvCache::find_prefix(Sequence& sequence, std::vector<BlockId>& hit) {
  hit.clear();
  if (!options_.enable_prefix_caching || !sequence.reads_prefix_cache) return;
  const std::uint32_t limit = (sequence.num_tokens() - 1) / options_.block_size;
  for (std::uint32_t i = 0; i < limit; ++i) {
    hash_up_to(sequence, i + 1);
    const auto block =
        index_.find(sequence.hashes[i], parent_of(sequence, i), tokens_of(sequence, i));
    if (!block) return;
    hit.push_back(*block);
  }
}

bool KvCache::fits(const Sequence& sequence, const std::vector<BlockId>& hit,
                   std::uint32_t num_tokens) const {
  const auto held = sequence.blocks.size() + static_cast<std::uint32_t>(hit.size());
  const std::uint32_t wanted = blocks_for(num_tokens);
  const auto hit_but_free = static_cast<std::uint32_t>(
      std::ranges::count_if(hit, [&](BlockId block) { return pool_.is_free(block); }));
  return (wanted > held ? wanted - held : 0) + hit_but_free <= pool_.num_free();
}

bool KvCache::allocate(Sequence& sequence, const std::vector<BlockId>& hit, std::uint32_t num_new) {
  CHECK(hit.empty() || sequence.num_computed == 0);
  const std::uint32_t computed =
      sequence.num_computed + static_cast<std::uint32_t>(hit.size()) * options_.block_size;
  const std::uint32_t end = computed + num_new;
  if (!fits(sequence, hit, end)) return false;

  for (const BlockId block : hit) {  // before the first allocation could take one of them
    pool_.touch(block);
    sequence.blocks.append(block);
  }
  if (!hit.empty()) sequence.num_cached_blocks = sequence.blocks.size();
  sequence.num_computed = computed;
  const std::uint32_t wanted = blocks_for(end);
  while (sequence.blocks.size() < wanted) {
    const auto block = pool_.allocate();
    CHECK(block.has_value());
    erase_from_index(*block);
    sequence.blocks.append(*block);
  }
  if (options_.enable_prefix_caching) {
    cache_full_blocks(sequence, std::min(end, sequence.num_known()) / options_.block_size);
  }
  return true;
}

void KvCache::hash_ahead(Sequence& sequence) {
  if (options_.enable_prefix_caching) {
    hash_up_to(sequence, sequence.num_known() / options_.block_size);
  }
}

void KvCache::cache_computed(Sequence& sequence) {
  if (!options_.enable_prefix_caching) return;
  cache_full_blocks(sequence,
                    std::min(sequence.num_computed, sequence.num_known()) / options_.block_size);
}

void KvCache::reserve(Sequence& sequence) const {
  sequence.tokens.reserve(sequence.max_num_tokens);
  sequence.blocks.reserve(blocks_for(sequence.max_num_tokens));
  if (options_.enable_prefix_caching) {
    sequence.hashes.reserve(sequence.max_num_tokens / options_.block_size);
  }
}

void KvCache::cache_full_blocks(Sequence& sequence, std::uint32_t num_blocks) {
  const std::uint32_t first = sequence.num_cached_blocks;
  if (first >= num_blocks) return;
  hash_up_to(sequence, num_blocks);
  enter(sequence, first, num_blocks);
  sequence.num_cached_blocks = num_blocks;
}

// A mirror keeps one entry per content: it hears of the first copy, and when the last one goes.
void KvCache::enter(Sequence& sequence, std::uint32_t first, std::uint32_t end) {
  std::uint32_t first_new = first;  // of a run of contents that had no copy
  for (std::uint32_t i = first; i < end; ++i) {
    if (options_.record_events && index_.contains(sequence.hashes[i])) {
      record_stored(sequence, first_new, i);
      first_new = i + 1;
    }
    index_.insert(sequence.blocks[i], sequence.hashes[i], parent_of(sequence, i),
                  tokens_of(sequence, i));
  }
  if (options_.record_events) record_stored(sequence, first_new, end);
}

void KvCache::record_stored(const Sequence& sequence, std::uint32_t first, std::uint32_t end) {
  if (first >= end) return;
  const std::size_t num_blocks = end - first;
  events_.add_stored(
      first == 0 ? nullptr : &sequence.hashes[first - 1],
      std::span(sequence.hashes).subspan(first, num_blocks),
      std::span(sequence.tokens)
          .subspan(std::size_t{first} * options_.block_size, num_blocks * options_.block_size),
      sequence.extra_keys(first), sequence.other_block_keys);
}

void KvCache::erase_from_index(BlockId block) {
  const BlockHash* entry = index_.hash_of(block);
  if (entry == nullptr) return;
  const BlockHash hash = *entry;
  index_.erase(block);
  if (options_.record_events && !index_.contains(hash)) events_.add_removed(hash);
}

void KvCache::release(Sequence& sequence) {
  for (std::uint32_t i = sequence.blocks.size(); i > 0; --i) pool_.release(sequence.blocks[i - 1]);
  sequence.blocks.clear();
  sequence.num_cached_blocks = 0;
  sequence.num_computed = 0;
}

void KvCache::forget(Sequence& sequence, std::uint32_t first_block) {
  for (std::uint32_t i = first_block; i < sequence.num_cached_blocks; ++i) {
    erase_from_index(sequence.blocks[i]);
  }
  sequence.num_cached_blocks = std::min(sequence.num_cached_blocks, first_block);
}

bool KvCache::reset() {
  if (pool_.num_free() != pool_.num_usable()) return false;
  index_.clear();
  if (options_.record_events) events_.add_all_cleared();
  return true;
}

std::vector<CacheEvent> KvCache::take_events() {
  std::vector<CacheEvent> events = events_.to_events();
  events_.clear();
  return events;
}

}  // namespace nacelle::engine
