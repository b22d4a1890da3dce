#include "tokenizer/model/merge_table.h"

#include <bit>

namespace nacelle::tokenizer {

MergeTable::MergeTable(std::size_t expected) {
  const std::size_t size = std::bit_ceil(expected * 2 + 16);
  slots_.resize(size);
  mask_ = size - 1;
  shift_ = 64 - std::countr_zero(size);
}

void MergeTable::add(TokenId left, TokenId right, Merge merge) {
  const std::uint64_t key = key_of(left, right);
  std::size_t i = slot_of(key);
  while (slots_[i].key != kFree && slots_[i].key != key) i = (i + 1) & mask_;
  slots_[i] = {key, merge};
}

}  // namespace nacelle::tokenizer
