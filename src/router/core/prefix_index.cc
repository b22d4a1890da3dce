#include "router/core/prefix_index.h"

#include <algorithm>
#include <bit>

namespace nacelle::router {

void PrefixIndex::match(std::span<const std::uint64_t> hashes,
                        std::span<std::uint32_t> matched) const {
  std::fill(matched.begin(), matched.end(), 0u);
  // A prompt's hashes lie anywhere in the table: ask for them together before looking at the first.
  for (const std::uint64_t hash : hashes) rows_.prefetch(hash);
  found_.clear();
  for (const std::uint64_t hash : hashes) {
    const std::uint32_t row = rows_.find(hash);
    if (row == RowTable::kNone) break;
    __builtin_prefetch(bits(row));
    found_.push_back(row);
  }
  const auto record = [&](std::size_t word, std::uint64_t dropped, std::uint32_t length) {
    for (; dropped != 0; dropped &= dropped - 1) {
      const std::size_t endpoint = word * 64 + static_cast<std::size_t>(std::countr_zero(dropped));
      if (endpoint < matched.size()) matched[endpoint] = length;
    }
  };
  alive_.assign(stride_, ~std::uint64_t{0});
  std::uint32_t length = 0;
  for (const std::uint32_t row : found_) {
    const std::uint64_t* const holders = bits(row);
    std::uint64_t any = 0;
    for (std::size_t word = 0; word < stride_; ++word) {
      const std::uint64_t before = alive_[word];
      const std::uint64_t still = before & holders[word];
      if (still != before) {
        if (length > 0) record(word, before & ~still, length);
        alive_[word] = still;
      }
      any |= still;
    }
    if (any == 0) return;
    ++length;
  }
  if (length == 0) return;
  for (std::size_t word = 0; word < stride_; ++word) record(word, alive_[word], length);
}

void PrefixIndex::insert(EndpointId endpoint, std::span<const std::uint64_t> hashes) {
  ensure(endpoint);
  for (const std::uint64_t hash : hashes) rows_.prefetch(hash);
  RowLru& lru = lru_[endpoint.value];
  const std::uint64_t bit = std::uint64_t{1} << (endpoint.value % 64);
  for (auto hash = hashes.rbegin(); hash != hashes.rend(); ++hash) {
    std::uint32_t row = rows_.find(*hash);
    if (row == RowTable::kNone) row = new_row(*hash);
    if (!lru.touch(row)) continue;
    bits(row)[endpoint.value / 64] |= bit;
    ++blocks_[row / kRowsPerBlock]->holders[row % kRowsPerBlock];
  }
  evict(endpoint.value);
}

void PrefixIndex::remove(EndpointId endpoint) {
  if (endpoint.value >= lru_.size()) return;
  RowLru& lru = lru_[endpoint.value];
  lru.for_each([&](std::uint32_t row) { clear_bit(row, endpoint.value); });
  lru = RowLru(lru.capacity());
}

void PrefixIndex::remove(EndpointId endpoint, std::span<const std::uint64_t> hashes) {
  if (endpoint.value >= lru_.size()) return;
  RowLru& lru = lru_[endpoint.value];
  for (const std::uint64_t hash : hashes) {
    const std::uint32_t row = rows_.find(hash);
    if (row != RowTable::kNone && lru.erase(row)) clear_bit(row, endpoint.value);
  }
}

void PrefixIndex::set_capacity(EndpointId endpoint, std::uint32_t blocks) {
  ensure(endpoint);
  lru_[endpoint.value].set_capacity(blocks);
  evict(endpoint.value);
}

void PrefixIndex::ensure(EndpointId endpoint) {
  if (endpoint.value < lru_.size()) return;
  while (lru_.size() <= endpoint.value) lru_.emplace_back(kDefaultCapacityBlocks);
  const std::size_t needed = lru_.size() / 64 + (lru_.size() % 64 != 0);
  if (needed > stride_) widen(std::max(needed, stride_ * 2));
}

void PrefixIndex::evict(std::uint32_t endpoint) {
  RowLru& lru = lru_[endpoint];
  if (lru.size() <= lru.capacity()) return;
  found_.clear();
  while (lru.size() > lru.capacity()) {
    const std::uint32_t row = lru.pop_oldest();
    rows_.prefetch(blocks_[row / kRowsPerBlock]->hash[row % kRowsPerBlock]);
    found_.push_back(row);
  }
  for (const std::uint32_t row : found_) clear_bit(row, endpoint);
}

std::uint32_t PrefixIndex::new_row(std::uint64_t hash) {
  std::uint32_t row;
  if (free_rows_.empty()) {
    row = num_rows_++;
    if (row % kRowsPerBlock == 0) {
      blocks_.push_back(std::make_unique<RowBlock>());
      blocks_.back()->bits = std::make_unique<std::uint64_t[]>(kRowsPerBlock * stride_);
    }
  } else {
    row = free_rows_.back();
    free_rows_.pop_back();
  }
  blocks_[row / kRowsPerBlock]->hash[row % kRowsPerBlock] = hash;
  rows_.insert(hash, row);
  return row;
}

void PrefixIndex::clear_bit(std::uint32_t row, std::uint32_t endpoint) {
  RowBlock& block = *blocks_[row / kRowsPerBlock];
  bits(row)[endpoint / 64] &= ~(std::uint64_t{1} << (endpoint % 64));
  if (--block.holders[row % kRowsPerBlock] > 0) return;
  rows_.erase(block.hash[row % kRowsPerBlock]);
  free_rows_.push_back(row);
}

void PrefixIndex::widen(std::size_t stride) {
  for (auto& block : blocks_) {
    auto wider = std::make_unique<std::uint64_t[]>(kRowsPerBlock * stride);
    for (std::size_t row = 0; row < kRowsPerBlock; ++row) {
      std::copy_n(&block->bits[row * stride_], stride_, &wider[row * stride]);
    }
    block->bits = std::move(wider);
  }
  stride_ = stride;
}

}  // namespace nacelle::router
