#include "tokenizer/vocab/string_index.h"

#include <xxhash.h>

#include <algorithm>
#include <cstring>

namespace nacelle::tokenizer {
namespace {

std::uint64_t hash_of(std::string_view text) { return XXH3_64bits(text.data(), text.size()); }

}  // namespace

std::size_t StringIndex::slot_of(std::string_view text, std::uint64_t hash) const {
  const std::size_t mask = slots_.size() - 1;
  const auto tag = static_cast<std::uint32_t>(hash >> 32);
  for (std::size_t i = hash & mask;; i = (i + 1) & mask) {
    const Slot& slot = slots_[i];
    if (slot.id < 0) return i;
    if (slot.hash == tag && slot.length == text.size() &&
        std::memcmp(pool_.data() + slot.offset, text.data(), text.size()) == 0) {
      return i;
    }
  }
}

void StringIndex::add(std::string_view text, TokenId id) {
  if ((size_ + 1) * 2 > slots_.size()) grow();
  const std::uint64_t hash = hash_of(text);
  Slot& slot = slots_[slot_of(text, hash)];
  if (slot.id < 0) {
    slot = {static_cast<std::uint32_t>(hash >> 32), static_cast<std::uint32_t>(pool_.size()),
            static_cast<std::uint32_t>(text.size()), id};
    pool_ += text;
    ++size_;
    longest_ = std::max(longest_, text.size());
  }
  slot.id = id;
}

std::optional<TokenId> StringIndex::find(std::string_view text) const {
  if (text.size() > longest_) return std::nullopt;
  const Slot& slot = slots_[slot_of(text, hash_of(text))];
  if (slot.id < 0) return std::nullopt;
  return slot.id;
}

void StringIndex::grow() {
  std::vector<Slot> old(slots_.size() * 2);
  old.swap(slots_);
  for (const Slot& slot : old) {
    if (slot.id < 0) continue;
    const std::string_view text(pool_.data() + slot.offset, slot.length);
    slots_[slot_of(text, hash_of(text))] = slot;
  }
}

}  // namespace nacelle::tokenizer
