#include "router/core/hash_lru.h"

namespace nacelle::router {

void HashLru::unlink(std::uint32_t node) {
  const auto [hash, older, newer] = nodes_[node];
  (older == kNone ? oldest_ : nodes_[older].newer) = newer;
  (newer == kNone ? newest_ : nodes_[newer].older) = older;
}

void HashLru::link_newest(std::uint32_t node) {
  nodes_[node].older = newest_;
  nodes_[node].newer = kNone;
  (newest_ == kNone ? oldest_ : nodes_[newest_].newer) = node;
  newest_ = node;
}

HashLru::Touch HashLru::touch(std::uint64_t hash) {
  if (const std::uint32_t* found = nodes_by_hash_.find(hash)) {
    const std::uint32_t node = *found;
    unlink(node);
    link_newest(node);
    return Touch::kWasHere;
  }
  std::uint32_t node;
  if (free_.empty()) {
    node = static_cast<std::uint32_t>(nodes_.size());
    nodes_.push_back({hash, kNone, kNone});
  } else {
    node = free_.back();
    free_.pop_back();
    nodes_[node].hash = hash;
  }
  link_newest(node);
  nodes_by_hash_.insert(hash, node);
  return Touch::kAdded;
}

std::optional<std::uint64_t> HashLru::evict_over_capacity() {
  if (size() <= capacity_) return std::nullopt;
  const std::uint32_t node = oldest_;
  const std::uint64_t hash = nodes_[node].hash;
  unlink(node);
  free_.push_back(node);
  nodes_by_hash_.erase(hash);
  return hash;
}

}  // namespace nacelle::router
