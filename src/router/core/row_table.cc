#include "router/core/row_table.h"

#include <utility>

namespace nacelle::router {

void RowTable::erase(std::uint64_t hash) {
  Shard& shard = shards_[hash >> 56];
  if (shard.slots.empty()) return;
  std::size_t i = hash & shard.mask;
  for (;; i = (i + 1) & shard.mask) {
    if (shard.slots[i].row == kNone) return;
    if (shard.slots[i].hash == hash) break;
  }
  // Move later entries of the probe run back over the hole when their home allows it.
  for (std::size_t j = (i + 1) & shard.mask; shard.slots[j].row != kNone;
       j = (j + 1) & shard.mask) {
    const std::size_t home = shard.slots[j].hash & shard.mask;
    if (((j - home) & shard.mask) >= ((j - i) & shard.mask)) {
      shard.slots[i] = shard.slots[j];
      i = j;
    }
  }
  shard.slots[i].row = kNone;
  --shard.size;
  --size_;
}

void RowTable::grow(Shard& shard) {
  const std::vector<Slot> old = std::exchange(
      shard.slots, std::vector<Slot>(shard.slots.empty() ? 16 : shard.slots.size() * 2));
  shard.mask = shard.slots.size() - 1;
  for (const Slot& slot : old) {
    if (slot.row != kNone) place(shard, slot.hash, slot.row);
  }
}

}  // namespace nacelle::router
