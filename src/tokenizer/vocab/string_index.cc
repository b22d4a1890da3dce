#include "tokenizer/vocab/string_index.h"

#include <xxhash.h>

#include <algorithm>
#include <cstring>

namespace nacelle::tokenizer {
namespace {

std::uint32_t hash_of(std::string_view text) {
  return static_cast<std::uint32_t>(XXH3_64bits(text.data(), text.size()));
}

}  // namespace

std::size_t StringIndex::slot_of(std::string_view text, std::uint32_t hash) const {
  const std::size_t mask = slots_.size() - 1;
  for (std::size_t i = hash & mask;; i = (i + 1) & mask) {
    const Slot& slot = slots_[i];
    if (slot.id < 0) return i;
    if (slot.hash == hash && slot.length == text.size() &&
        std::memcmp(pool_.data() + slot.offset, text.data(), text.size()) == 0) {
      return i;
    }
  }
}

void StringIndex::add(std::string_view text, TokenId id) {
  if ((size_ + 1) * 2 > slots_.size()) grow_to(slots_.size() * 2);
  const std::uint32_t hash = hash_of(text);
  Slot& slot = slots_[slot_of(text, hash)];
  if (slot.id < 0) {
    slot = {hash, static_cast<std::uint32_t>(pool_.size()), static_cast<std::uint32_t>(text.size()),
            id};
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

void StringIndex::reserve(std::size_t count) {
  std::size_t wanted = slots_.size();
  while (wanted < count * 2) wanted *= 2;
  if (wanted > slots_.size()) grow_to(wanted);
}

// The strings are different, so that each goes to the first free place from its hash on.
void StringIndex::grow_to(std::size_t num_slots) {
  std::vector<Slot> old(num_slots);
  old.swap(slots_);
  const std::size_t mask = num_slots - 1;
  for (const Slot& slot : old) {
    if (slot.id < 0) continue;
    std::size_t i = slot.hash & mask;
    while (slots_[i].id >= 0) i = (i + 1) & mask;
    slots_[i] = slot;
  }
}

}  // namespace nacelle::tokenizer
