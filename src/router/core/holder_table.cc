#include "router/core/holder_table.h"

#include <algorithm>
#include <bit>

#include "base/check.h"

namespace nacelle::router {
namespace {

constexpr std::size_t kFirstCapacity = 32;

// A slot is used until 80 % are: longer runs cost more than memory saves.
constexpr bool is_full(std::size_t size, std::size_t capacity) { return size * 5 >= capacity * 4; }

std::uint64_t with_bits(std::uint64_t value, int shift, std::uint64_t mask, std::uint64_t bits) {
  return (value & ~(mask << shift)) | bits << shift;
}

// Grown by an eighth, not doubled: unused memory is bounded.
template <class T>
void reserve_more(std::vector<T>& items, std::size_t size) {
  if (size > items.capacity()) items.reserve(std::max(size, items.capacity() * 9 / 8 + 8));
}

}  // namespace

std::size_t HolderTable::find(std::uint64_t key, std::uint32_t hash) const {
  if (size_ == 0) return kNone;
  for (std::size_t i = home(hash); slots_[i].value != 0; i = next(i)) {
    if (slots_[i].key == key) return i;
  }
  return kNone;
}

HolderTable::Added HolderTable::add(std::uint64_t key, std::uint32_t hash, std::uint32_t holder,
                                    Plane plane) {
  CHECK(holder < kMaxHolders);
  std::size_t i = find(key, hash);
  if (i == kNone) {
    if (!make_room()) return Added::kFull;
    for (i = home(hash); slots_[i].value != 0; i = next(i)) {
    }
    // Not touched: a block that nobody asks for goes before one that somebody did.
    slots_[i] = {key, 1 | pack(0, holder, 1u << static_cast<int>(plane))};
    ++size_;
    return Added::kNew;
  }
  Slot& slot = slots_[i];
  return (slot.value & kRows) != 0 ? add_to_rows(slot, holder, plane)
                                   : add_inline(slot, holder, plane);
}

HolderTable::Added HolderTable::add_inline(Slot& slot, std::uint32_t holder, Plane plane) {
  const auto count = static_cast<std::uint32_t>(slot.value & kCountMask);
  const std::uint32_t bit = 1u << static_cast<int>(plane);
  for (std::uint32_t i = 0; i < count; ++i) {
    if (holder_at(slot.value, i) != holder) continue;
    if ((planes_at(slot.value, i) & bit) != 0) return Added::kWasThere;
    slot.value |= pack(i, 0, bit);
    return Added::kNew;
  }
  if (count < 3) {
    slot.value = (slot.value + 1) | pack(count, holder, bit);
    return Added::kNew;
  }
  // A fourth holder: all of them move to rows.
  const std::uint64_t old = slot.value;
  slot.value = kRows | (old & kTouched);
  Added outcome = Added::kNew;
  for (std::uint32_t i = 0; i < count; ++i) {
    for (std::size_t p = 0; p < kNumPlanes; ++p) {
      if ((planes_at(old, i) >> p & 1) == 0) continue;
      if (add_to_rows(slot, holder_at(old, i), static_cast<Plane>(p)) == Added::kFull) {
        outcome = Added::kFull;
      }
    }
  }
  if (outcome != Added::kFull) outcome = add_to_rows(slot, holder, plane);
  if (outcome == Added::kFull) {  // no row: as it was
    for (std::size_t p = 0; p < kNumPlanes; ++p) release_row(row_at(slot.value, p));
    slot.value = old;
  }
  return outcome;
}

HolderTable::Added HolderTable::add_to_rows(Slot& slot, std::uint32_t holder, Plane plane) {
  if (!widen(holder)) return Added::kFull;
  const auto p = static_cast<std::size_t>(plane);
  if (row_at(slot.value, p) == 0) {
    const std::uint32_t fresh = take_row();
    if (fresh == 0) return Added::kFull;
    slot.value = with_bits(slot.value, kShift + kRowBits * static_cast<int>(p), kMaxRows, fresh);
  }
  std::uint64_t& word = row(slot.value, p)[holder / 64];
  const std::uint64_t bit = std::uint64_t{1} << (holder % 64);
  if ((word & bit) != 0) return Added::kWasThere;
  word |= bit;
  return Added::kNew;
}

bool HolderTable::remove(std::uint64_t key, std::uint32_t hash, std::uint32_t holder, Plane plane) {
  const std::size_t i = find(key, hash);
  if (i == kNone) return false;
  Slot& slot = slots_[i];
  const std::uint32_t plane_bit = 1u << static_cast<int>(plane);
  if ((slot.value & kRows) != 0) {
    const auto p = static_cast<std::size_t>(plane);
    if (holder / 64 >= stride_ || row_at(slot.value, p) == 0) return false;
    std::uint64_t& word = row(slot.value, p)[holder / 64];
    const std::uint64_t bit = std::uint64_t{1} << (holder % 64);
    if ((word & bit) == 0) return false;
    word &= ~bit;
    shrink_rows(i);
    return true;
  }
  const auto count = static_cast<std::uint32_t>(slot.value & kCountMask);
  for (std::uint32_t k = 0; k < count; ++k) {
    if (holder_at(slot.value, k) != holder) continue;
    const std::uint32_t planes = planes_at(slot.value, k);
    if ((planes & plane_bit) == 0) return false;
    if (planes != plane_bit) {
      slot.value &= ~pack(k, 0, plane_bit);
    } else if (count == 1) {
      erase_at(i);
    } else {  // the last holder takes its place
      const std::uint32_t last = count - 1;
      const std::uint64_t moved = pack(k, holder_at(slot.value, last), planes_at(slot.value, last));
      slot.value &= ~(pack(k, 0xffff, 0xf) | pack(last, 0xffff, 0xf));
      if (k != last) slot.value |= moved;
      --slot.value;
    }
    return true;
  }
  return false;
}

// After a bit went: rows without bits are given back, a last holder moves into the slot.
void HolderTable::shrink_rows(std::size_t i) {
  Slot& slot = slots_[i];
  std::uint32_t holder = kMaxHolders, planes = 0;
  for (std::size_t p = 0; p < kNumPlanes; ++p) {
    const std::uint32_t index = row_at(slot.value, p);
    if (index == 0) continue;
    bool any = false;
    const std::uint64_t* words = row(slot.value, p);
    for (std::size_t w = 0; w < stride_; ++w) {
      if (words[w] == 0) continue;
      const auto first = static_cast<std::uint32_t>(64 * w + std::countr_zero(words[w]));
      if (std::popcount(words[w]) > 1 || (holder != kMaxHolders && first != holder)) return;
      holder = first;
      any = true;
    }
    if (any) {
      planes |= 1u << p;
    } else {
      release_row(index);
      slot.value = with_bits(slot.value, kShift + kRowBits * static_cast<int>(p), kMaxRows, 0);
    }
  }
  for (std::size_t p = 0; p < kNumPlanes; ++p) release_row(row_at(slot.value, p));
  if (planes == 0) {
    slot.value = 1;  // owns no rows
    return erase_at(i);
  }
  slot.value = (slot.value & kTouched) | 1 | pack(0, holder, planes);
}

void HolderTable::strip(std::span<const std::uint64_t> holders) {
  const auto is_set = [&](std::uint32_t holder) {
    return holder / 64 < holders.size() && (holders[holder / 64] >> (holder % 64) & 1) != 0;
  };
  for (std::size_t i = 0; i < slots_.size(); ++i) {
    while (slots_[i].value != 0) {  // erasing moves another entry here
      Slot& slot = slots_[i];
      const std::uint64_t key = slot.key;
      if ((slot.value & kRows) != 0) {
        for (std::size_t p = 0; p < kNumPlanes; ++p) {
          if (row_at(slot.value, p) == 0) continue;
          std::uint64_t* words = row(slot.value, p);
          for (std::size_t w = 0; w < std::min(stride_, holders.size()); ++w) {
            words[w] &= ~holders[w];
          }
        }
        shrink_rows(i);
      } else {
        const auto count = static_cast<std::uint32_t>(slot.value & kCountMask);
        std::uint64_t kept = slot.value & kTouched;
        std::uint32_t num_kept = 0;
        for (std::uint32_t k = 0; k < count; ++k) {
          if (is_set(holder_at(slot.value, k))) continue;
          kept |= pack(num_kept++, holder_at(slot.value, k), planes_at(slot.value, k));
        }
        if (num_kept > 0) {
          slot.value = kept | num_kept;
        } else {
          erase_at(i);
        }
      }
      if (slots_[i].value == 0 || slots_[i].key == key) break;
    }
  }
}

bool HolderTable::make_room() {
  if (!is_full(size_ + 1, slots_.size())) return true;
  const std::size_t capacity =
      slots_.empty() ? kFirstCapacity : slots_.size() + slots_.size() / 7 + 1;
  if (bytes() + (capacity - slots_.size()) * sizeof(Slot) <= limit_bytes_) {
    grow(capacity);
    return true;
  }
  if (size_ == 0) return false;
  evict_one();
  return true;
}

void HolderTable::grow(std::size_t capacity) {
  std::vector<Slot> old(capacity);
  old.swap(slots_);
  hand_ = 0;
  // Homes are in the order of the hash, so this writes the new table front to back.
  for (const Slot& slot : old) {
    if (slot.value == 0) continue;
    std::size_t i = home(SpreadKey(slot.key).hash);
    while (slots_[i].value != 0) i = next(i);
    slots_[i] = slot;
  }
}

// The first block that was not touched since the hand came by; after a full turn any.
void HolderTable::evict_one() {
  for (std::size_t steps = 0;; ++steps, hand_ = next(hand_)) {
    if (hand_ >= slots_.size()) hand_ = 0;
    Slot& slot = slots_[hand_];
    if (slot.value == 0) continue;
    if ((slot.value & kTouched) != 0 && steps < slots_.size()) {
      slot.value &= ~kTouched;
      continue;
    }
    erase_at(hand_);
    ++num_evicted_;
    return;
  }
}

// Moves later entries of the run back over the hole where their home allows it.
void HolderTable::erase_at(std::size_t i) {
  if ((slots_[i].value & kRows) != 0) {
    for (std::size_t p = 0; p < kNumPlanes; ++p) release_row(row_at(slots_[i].value, p));
  }
  const std::size_t capacity = slots_.size();
  for (std::size_t j = next(i); slots_[j].value != 0; j = next(j)) {
    const std::size_t from_home = (j + capacity - home(SpreadKey(slots_[j].key).hash)) % capacity;
    if (from_home >= (j + capacity - i) % capacity) {
      slots_[i] = slots_[j];
      i = j;
    }
  }
  slots_[i] = {};
  --size_;
}

std::uint64_t* HolderTable::row(std::uint64_t value, std::size_t plane) {
  return bits_.data() + row_at(value, plane) * stride_;
}

std::uint32_t HolderTable::take_row() {
  if (!free_rows_.empty()) {
    const std::uint32_t row = free_rows_.back();
    free_rows_.pop_back();
    std::fill_n(bits_.begin() + static_cast<std::ptrdiff_t>(row * stride_), stride_, 0);
    return row;
  }
  if (num_rows_ == kMaxRows) return 0;
  const std::size_t size = (std::size_t{num_rows_} + 2) * stride_;
  if (size > bits_.capacity() && bytes() + bits_.capacity() + 64 > limit_bytes_) return 0;
  reserve_more(bits_, size);
  bits_.resize(size);
  return ++num_rows_;
}

void HolderTable::release_row(std::uint32_t row) {
  if (row == 0) return;
  reserve_more(free_rows_, free_rows_.size() + 1);
  free_rows_.push_back(static_cast<std::uint16_t>(row));
}

bool HolderTable::widen(std::uint32_t holder) {
  if (holder / 64 < stride_) return true;
  const std::size_t stride = std::bit_ceil(std::size_t{holder} / 64 + 1);
  const std::size_t rows = std::size_t{num_rows_} + 1;
  if (bytes() + rows * (stride - stride_) * sizeof(std::uint64_t) > limit_bytes_) return false;
  std::vector<std::uint64_t> wider(rows * stride);
  for (std::size_t r = 0; r < rows && stride_ > 0; ++r) {
    std::copy_n(bits_.begin() + static_cast<std::ptrdiff_t>(r * stride_), stride_,
                wider.begin() + static_cast<std::ptrdiff_t>(r * stride));
  }
  bits_ = std::move(wider);
  stride_ = stride;
  return true;
}

}  // namespace nacelle::router
