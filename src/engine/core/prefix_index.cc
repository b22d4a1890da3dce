#include "engine/core/prefix_index.h"

#include <algorithm>
#include <bit>

#include "base/check.h"

namespace nacelle::engine {

PrefixIndex::PrefixIndex(std::uint32_t num_blocks, std::uint32_t block_size)
    : block_size_(block_size),
      buckets_(std::bit_ceil(std::size_t{num_blocks}), 0),
      entries_(num_blocks),
      tokens_(std::size_t{num_blocks} * block_size) {}

std::uint32_t PrefixIndex::bucket(const BlockHash& hash) const {
  return buckets_[std::hash<BlockHash>{}(hash) & (buckets_.size() - 1)];
}

std::uint32_t& PrefixIndex::bucket(const BlockHash& hash) {
  return buckets_[std::hash<BlockHash>{}(hash) & (buckets_.size() - 1)];
}

std::span<const TokenId> PrefixIndex::tokens_of(std::uint32_t block) const {
  return std::span(tokens_).subspan(std::size_t{block} * block_size_, block_size_);
}

void PrefixIndex::insert(BlockId block, const BlockHash& hash, const BlockHash& parent,
                         std::span<const TokenId> tokens) {
  CHECK(block != kNullBlock && tokens.size() == block_size_ && hash.size != 0);
  Entry& entry = entries_[block.value];
  CHECK(entry.hash.size == 0);
  std::uint32_t& first = bucket(hash);
  entry = {hash, parent, first};
  first = block.value;
  std::ranges::copy(tokens, tokens_.begin() + std::size_t{block.value} * block_size_);
  ++size_;
}

std::optional<BlockId> PrefixIndex::find(const BlockHash& hash, const BlockHash& parent,
                                         std::span<const TokenId> tokens) const {
  for (std::uint32_t block = bucket(hash); block != 0; block = entries_[block].next) {
    const Entry& entry = entries_[block];
    if (entry.hash == hash && entry.parent == parent &&
        std::ranges::equal(tokens_of(block), tokens)) {
      return BlockId{block};
    }
  }
  return std::nullopt;
}

bool PrefixIndex::contains(const BlockHash& hash) const {
  for (std::uint32_t block = bucket(hash); block != 0; block = entries_[block].next) {
    if (entries_[block].hash == hash) return true;
  }
  return false;
}

const BlockHash* PrefixIndex::hash_of(BlockId block) const {
  const BlockHash& hash = entries_[block.value].hash;
  return hash.size == 0 ? nullptr : &hash;
}

void PrefixIndex::erase(BlockId block) {
  Entry& entry = entries_[block.value];
  if (entry.hash.size == 0) return;
  std::uint32_t* link = &bucket(entry.hash);
  while (*link != block.value) {
    CHECK(*link != 0);
    link = &entries_[*link].next;
  }
  *link = entry.next;
  entry = {};
  --size_;
}

void PrefixIndex::clear() {
  std::ranges::fill(buckets_, 0);
  std::ranges::fill(entries_, Entry{});
  size_ = 0;
}

}  // namespace nacelle::engine
