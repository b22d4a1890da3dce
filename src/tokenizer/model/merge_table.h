// merge_table.h: which pairs of tokens merge, how early, and into what.
//
// Open addressing over one array of 16-byte slots, at most half full.
// Home:  built once, then read by any thread.
#pragma once

#include <cstdint>
#include <vector>

#include "base/token.h"

namespace nacelle::tokenizer {

inline constexpr std::uint32_t kNoRank = 0xFFFF'FFFF;

struct Merge {
  std::uint32_t rank = kNoRank;  // place in the list of merges: lower goes first
  TokenId result = -1;
};

class MergeTable {
 public:
  explicit MergeTable(std::size_t expected = 0);

  // A pair that is added twice keeps the later merge.
  void add(TokenId left, TokenId right, Merge merge);

  [[nodiscard]] Merge find(TokenId left, TokenId right) const {
    const std::uint64_t key = key_of(left, right);
    for (std::size_t i = slot_of(key);; i = (i + 1) & mask_) {
      const Slot& slot = slots_[i];
      if (slot.key == key) return slot.merge;
      if (slot.key == kFree) return {};
    }
  }

 private:
  static constexpr std::uint64_t kFree = ~std::uint64_t{0};

  struct Slot {
    std::uint64_t key = kFree;
    Merge merge;
  };

  static std::uint64_t key_of(TokenId left, TokenId right) {
    return std::uint64_t{static_cast<std::uint32_t>(left)} << 32 |
           static_cast<std::uint32_t>(right);
  }
  [[nodiscard]] std::size_t slot_of(std::uint64_t key) const {
    return static_cast<std::size_t>((key * 0x9E3779B97F4A7C15ull) >> shift_);
  }

  std::vector<Slot> slots_;
  std::size_t mask_ = 0;
  int shift_ = 0;
};

}  // namespace nacelle::tokenizer
