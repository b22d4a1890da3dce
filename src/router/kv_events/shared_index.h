// shared_index.h: the precise index behind one lock: written by the subscriber, read inside picks.
//
// One reader-writer lock, and writers that hold it for at most kMaxBlocksPerHold blocks (about ten
// microseconds). Picks share it, so they never wait for each other; at a steady 100,000 blocks a
// second the lock is taken a few per cent of the time. Locks per part of the table would cost a
// pick of 500 blocks 500 of them; versions checked per block would save the rare wait, and make
// every read of the table an atomic one.
//
// What picks add (speculation) goes through a small inbox to the writer: a pick writes nothing that
// other picks read.
//
// Home:    thread-safe.
// Bounds:  those of PreciseIndex; the inbox holds kMaxInbox prompts, more are dropped.
#pragma once

#include <atomic>
#include <functional>
#include <mutex>
#include <shared_mutex>
#include <span>
#include <utility>
#include <vector>

#include "router/core/precise_index.h"

namespace nacelle::router {

class SharedPreciseIndex {
 public:
  static constexpr std::size_t kMaxBlocksPerHold = 64;
  static constexpr std::size_t kMaxInbox = 4096;

  explicit SharedPreciseIndex(const PreciseIndex::Options& options) : index_(options) {}

  // matches[e] by endpoint id. Any thread, with a scratch of its own.
  void match(std::span<const std::uint64_t> keys, MatchScratch& scratch,
             std::span<PreciseMatch> matches) const;
  // A pick sent a prompt there: the keys count as held until `expires`. Any thread.
  void speculate(EndpointId endpoint, std::vector<std::uint64_t> keys, TimePoint expires);

  void store(EndpointId endpoint, Plane tier, std::span<const std::uint64_t> keys);
  void remove(EndpointId endpoint, Plane tier, std::span<const std::uint64_t> keys);
  void clear(EndpointId endpoint);
  // Takes in the inbox, ends what has expired, strips what was cleared. The writer's thread calls
  // it between messages and while idle. True while more is to do at once.
  bool tend(TimePoint now);

  struct Gauges {
    std::size_t bytes = 0, blocks = 0;
    PreciseIndex::Counters counters;
    std::uint64_t lookups = 0, lookup_hits = 0, max_endpoint_hits = 0;
  };
  [[nodiscard]] Gauges gauges() const;

 private:
  struct Speculation {
    EndpointId endpoint;
    std::vector<std::uint64_t> keys;
    TimePoint expires;
  };

  mutable std::shared_mutex mutex_;
  PreciseIndex index_;  // guarded
  std::mutex inbox_mutex_;
  std::vector<Speculation> inbox_, taken_;  // inbox_ guarded; taken_ the writer's
  mutable std::atomic<std::uint64_t> lookups_{0}, lookup_hits_{0}, max_endpoint_hits_{0};
};

}  // namespace nacelle::router
