// flat_map.h: an open-addressing map from 64-bit hashes to small values.
//
// Keys are hashes already, so they index the table as they are. Linear probing, deletion by
// shifting back, load at most 1/2; no allocation besides the table, which doubles. Not thread-safe.
#pragma once

#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

namespace nacelle::router {

template <class Value>
class FlatMap {
 public:
  [[nodiscard]] std::size_t size() const { return size_; }

  [[nodiscard]] Value* find(std::uint64_t key) {
    if (size_ == 0) return nullptr;
    for (std::size_t i = key & mask_;; i = (i + 1) & mask_) {
      if (!slots_[i].used) return nullptr;
      if (slots_[i].key == key) return &slots_[i].value;
    }
  }

  // The value of a new or existing key. Pointers into the map do not survive this call.
  Value& insert(std::uint64_t key, Value value) {
    if ((size_ + 1) * 2 > slots_.size()) grow();
    std::size_t i = key & mask_;
    for (; slots_[i].used; i = (i + 1) & mask_) {
      if (slots_[i].key == key) return slots_[i].value = std::move(value);
    }
    slots_[i] = {key, std::move(value), true};
    ++size_;
    return slots_[i].value;
  }

  void erase(std::uint64_t key) {
    if (size_ == 0) return;
    std::size_t i = key & mask_;
    for (; slots_[i].used && slots_[i].key != key; i = (i + 1) & mask_) {
    }
    if (!slots_[i].used) return;
    // Move later entries of the probe run back over the hole when their home allows it.
    for (std::size_t j = (i + 1) & mask_; slots_[j].used; j = (j + 1) & mask_) {
      const std::size_t home = slots_[j].key & mask_;
      if (((j - home) & mask_) >= ((j - i) & mask_)) {
        slots_[i] = std::move(slots_[j]);
        i = j;
      }
    }
    slots_[i].used = false;
    --size_;
  }

  template <class Visit>
  void for_each(Visit visit) {
    for (Slot& slot : slots_) {
      if (slot.used) visit(slot.key, slot.value);
    }
  }

 private:
  struct Slot {
    std::uint64_t key = 0;
    Value value{};
    bool used = false;
  };

  void grow() {
    std::vector<Slot> old = std::move(slots_);
    slots_ = std::vector<Slot>(old.empty() ? 64 : old.size() * 2);
    mask_ = slots_.size() - 1;
    size_ = 0;
    for (Slot& slot : old) {
      if (slot.used) insert(slot.key, std::move(slot.value));
    }
  }

  std::vector<Slot> slots_;
  std::size_t mask_ = 0;
  std::size_t size_ = 0;
};

}  // namespace nacelle::router
