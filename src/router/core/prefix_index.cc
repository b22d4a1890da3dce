#include "router/core/prefix_index.h"

#include <algorithm>
#include <bit>

namespace nacelle::router {

void PrefixIndex::match(std::span<const std::uint64_t> hashes,
                        std::span<std::uint32_t> matched) const {
  std::fill(matched.begin(), matched.end(), 0u);
  alive_.assign(stride_, ~std::uint64_t{0});
  const auto record = [&](std::size_t word, std::uint64_t dropped, std::uint32_t length) {
    for (; dropped != 0; dropped &= dropped - 1) {
      const std::size_t endpoint = word * 64 + static_cast<std::size_t>(std::countr_zero(dropped));
      if (endpoint < matched.size()) matched[endpoint] = length;
    }
  };
  std::uint32_t length = 0;
  for (const std::uint64_t hash : hashes) {
    const std::uint32_t* row = rows_.find(hash);
    if (row == nullptr) break;
    std::uint64_t any = 0;
    for (std::size_t word = 0; word < stride_; ++word) {
      const std::uint64_t still = alive_[word] & bits_[*row * stride_ + word];
      if (length > 0) record(word, alive_[word] & ~still, length);
      alive_[word] = still;
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
  HashLru& lru = lru_[endpoint.value];
  for (auto hash = hashes.rbegin(); hash != hashes.rend(); ++hash) {
    if (lru.touch(*hash) == HashLru::Touch::kWasHere) continue;
    const std::uint32_t* found = rows_.find(*hash);
    std::uint32_t row;
    if (found != nullptr) {
      row = *found;
    } else if (!free_rows_.empty()) {
      row = free_rows_.back();
      free_rows_.pop_back();
      rows_.insert(*hash, row);
    } else {
      row = static_cast<std::uint32_t>(bits_.size() / stride_);
      bits_.resize(bits_.size() + stride_, 0);
      rows_.insert(*hash, row);
    }
    bits_[row * stride_ + endpoint.value / 64] |= std::uint64_t{1} << (endpoint.value % 64);
  }
  evict(endpoint.value);
}

void PrefixIndex::remove(EndpointId endpoint) {
  if (endpoint.value >= lru_.size()) return;
  HashLru& lru = lru_[endpoint.value];
  lru.for_each([&](std::uint64_t hash) { clear_bit(hash, endpoint.value); });
  lru = HashLru(lru.capacity());
}

void PrefixIndex::set_capacity(EndpointId endpoint, std::uint32_t blocks) {
  ensure(endpoint);
  lru_[endpoint.value].set_capacity(blocks);
  evict(endpoint.value);
}

void PrefixIndex::ensure(EndpointId endpoint) {
  while (lru_.size() <= endpoint.value) lru_.emplace_back(kDefaultCapacityBlocks);
  const std::size_t needed = lru_.size() / 64 + (lru_.size() % 64 != 0);
  if (needed > stride_) widen(std::max(needed, stride_ * 2));
}

void PrefixIndex::evict(std::uint32_t endpoint) {
  while (const auto hash = lru_[endpoint].evict_over_capacity()) clear_bit(*hash, endpoint);
}

void PrefixIndex::clear_bit(std::uint64_t hash, std::uint32_t endpoint) {
  const std::uint32_t* found = rows_.find(hash);
  if (found == nullptr) return;
  const std::uint32_t row = *found;
  std::uint64_t* words = &bits_[row * stride_];
  words[endpoint / 64] &= ~(std::uint64_t{1} << (endpoint % 64));
  if (std::all_of(words, words + stride_, [](std::uint64_t word) { return word == 0; })) {
    rows_.erase(hash);
    free_rows_.push_back(row);
  }
}

void PrefixIndex::widen(std::size_t stride) {
  const std::size_t rows = bits_.size() / stride_;
  std::vector<std::uint64_t> wider(rows * stride, 0);
  for (std::size_t row = 0; row < rows; ++row) {
    std::copy_n(&bits_[row * stride_], stride_, &wider[row * stride]);
  }
  bits_ = std::move(wider);
  stride_ = stride;
}

}  // namespace nacelle::router
