#include "router/kv_events/shared_index.h"

#include <algorithm>

namespace nacelle::router {
namespace {

constexpr std::uint32_t kPartsPerHold = 1;  // of a sweep: some 20 microseconds

// Calls fn with pieces of at most the given size.
template <class Fn>
void in_pieces(std::span<const std::uint64_t> keys, std::size_t size, Fn fn) {
  for (std::size_t i = 0; i < keys.size(); i += size) {
    fn(keys.subspan(i, std::min(size, keys.size() - i)));
  }
}

}  // namespace

void SharedPreciseIndex::match(std::span<const std::uint64_t> keys, MatchScratch& scratch,
                               std::span<PreciseMatch> matches) const {
  {
    const std::shared_lock lock(mutex_);
    index_.match(keys, scratch, matches);
  }
  std::uint32_t most = 0;
  for (const PreciseMatch& match : matches) most = std::max(most, match.blocks);
  lookups_.fetch_add(1, std::memory_order_relaxed);
  lookup_hits_.fetch_add(most > 0 ? 1 : 0, std::memory_order_relaxed);
  max_endpoint_hits_.fetch_add(most, std::memory_order_relaxed);
}

void SharedPreciseIndex::speculate(EndpointId endpoint, std::vector<std::uint64_t> keys,
                                   TimePoint expires) {
  if (keys.empty()) return;
  const std::lock_guard lock(inbox_mutex_);
  if (inbox_.size() < kMaxInbox) inbox_.push_back({endpoint, std::move(keys), expires});
}

void SharedPreciseIndex::store(EndpointId endpoint, Plane tier,
                               std::span<const std::uint64_t> keys) {
  in_pieces(keys, kMaxBlocksPerHold, [&](std::span<const std::uint64_t> piece) {
    const std::unique_lock lock(mutex_);
    index_.store(endpoint, tier, piece);
  });
}

void SharedPreciseIndex::remove(EndpointId endpoint, Plane tier,
                                std::span<const std::uint64_t> keys) {
  in_pieces(keys, kMaxBlocksPerHold, [&](std::span<const std::uint64_t> piece) {
    const std::unique_lock lock(mutex_);
    index_.remove(endpoint, tier, piece);
  });
}

void SharedPreciseIndex::clear(EndpointId endpoint) {
  const std::unique_lock lock(mutex_);
  index_.clear(endpoint);
}

bool SharedPreciseIndex::tend(TimePoint now) {
  {
    const std::lock_guard lock(inbox_mutex_);
    taken_.swap(inbox_);
  }
  for (const Speculation& entry : taken_) {
    in_pieces(entry.keys, kMaxBlocksPerHold, [&](std::span<const std::uint64_t> piece) {
      const std::unique_lock lock(mutex_);
      index_.speculate(entry.endpoint, piece, entry.expires);
    });
  }
  taken_.clear();
  const std::unique_lock lock(mutex_);
  index_.expire(now);
  return index_.sweep(kPartsPerHold);
}

SharedPreciseIndex::Gauges SharedPreciseIndex::gauges() const {
  Gauges out;
  {
    const std::shared_lock lock(mutex_);
    out.bytes = index_.bytes();
    out.blocks = index_.num_blocks();
    out.counters = index_.counters();
  }
  out.lookups = lookups_.load(std::memory_order_relaxed);
  out.lookup_hits = lookup_hits_.load(std::memory_order_relaxed);
  out.max_endpoint_hits = max_endpoint_hits_.load(std::memory_order_relaxed);
  return out;
}

}  // namespace nacelle::router
