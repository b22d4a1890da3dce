// hash_lru.h: the block hashes one endpoint is believed to hold, least recently used first out.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "router/core/flat_map.h"

namespace nacelle::router {

class HashLru {
 public:
  explicit HashLru(std::uint32_t capacity) : capacity_(capacity < 1 ? 1 : capacity) {}

  [[nodiscard]] std::size_t size() const { return nodes_by_hash_.size(); }
  [[nodiscard]] std::uint32_t capacity() const { return capacity_; }

  enum class Touch { kWasHere, kAdded };
  // Makes `hash` the most recently used.
  Touch touch(std::uint64_t hash);

  // Removes and returns the least recently used hash while there are more than `capacity`.
  std::optional<std::uint64_t> evict_over_capacity();
  void set_capacity(std::uint32_t capacity) { capacity_ = capacity < 1 ? 1 : capacity; }

  template <class Visit>
  void for_each(Visit visit) {
    nodes_by_hash_.for_each([&](std::uint64_t hash, std::uint32_t) { visit(hash); });
  }

 private:
  static constexpr std::uint32_t kNone = UINT32_MAX;
  struct Node {
    std::uint64_t hash;
    std::uint32_t older, newer;
  };

  void unlink(std::uint32_t node);
  void link_newest(std::uint32_t node);

  std::uint32_t capacity_;
  FlatMap<std::uint32_t> nodes_by_hash_;
  std::vector<Node> nodes_;
  std::vector<std::uint32_t> free_;
  std::uint32_t oldest_ = kNone, newest_ = kNone;
};

}  // namespace nacelle::router
