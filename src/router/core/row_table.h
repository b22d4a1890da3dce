// row_table.h: block hash -> row number, an open-addressing table in 256 shards.
//
// Keys are hashes already: the low bits find the slot, the high byte the shard. Linear probing,
// deletion by shifting back, load at most 1/2. A shard doubles by itself, so that what one insert
// has to move stays small: about 4,000 entries in an index of a million.
//
// Home:    inside the router's pick lock. Not thread-safe.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace nacelle::router {

class RowTable {
 public:
  static constexpr std::uint32_t kNone = UINT32_MAX;

  [[nodiscard]] std::size_t size() const { return size_; }

  // Asks for the memory that find() or insert() will look at.
  void prefetch(std::uint64_t hash) const {
    const Shard& shard = shards_[hash >> 56];
    __builtin_prefetch(shard.slots.data() + (hash & shard.mask));
  }

  // kNone when the hash is not there.
  [[nodiscard]] std::uint32_t find(std::uint64_t hash) const {
    const Shard& shard = shards_[hash >> 56];
    if (shard.slots.empty()) return kNone;
    for (std::size_t i = hash & shard.mask;; i = (i + 1) & shard.mask) {
      const Slot& slot = shard.slots[i];
      if (slot.row == kNone || slot.hash == hash) return slot.row;
    }
  }

  // `hash` is not there yet; `row` is not kNone.
  void insert(std::uint64_t hash, std::uint32_t row) {
    Shard& shard = shards_[hash >> 56];
    if ((shard.size + 1) * 2 > shard.slots.size()) grow(shard);
    place(shard, hash, row);
    ++shard.size;
    ++size_;
  }

  // No-op when the hash is not there.
  void erase(std::uint64_t hash);

 private:
  struct Slot {
    std::uint64_t hash = 0;
    std::uint32_t row = kNone;
  };
  struct Shard {
    std::vector<Slot> slots;
    std::size_t mask = 0;
    std::size_t size = 0;
  };

  static void place(Shard& shard, std::uint64_t hash, std::uint32_t row) {
    std::size_t i = hash & shard.mask;
    while (shard.slots[i].row != kNone) i = (i + 1) & shard.mask;
    shard.slots[i] = {hash, row};
  }
  static void grow(Shard& shard);

  std::array<Shard, 256> shards_;
  std::size_t size_ = 0;
};

}  // namespace nacelle::router
