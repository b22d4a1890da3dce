// precise_index.h: which endpoint holds which block, as the endpoints themselves report it.
//
// One table of block key -> endpoints, no copy per endpoint. Keys are 64-bit: the last eight bytes
// of the engine's block hash, or a request key (block_hash/request_keys.h). A match is the run of
// leading blocks that an endpoint holds without a gap, each in any memory tier; its weight is the
// sum of the best tier of each block.
//
// Clearing an endpoint takes no time: its entries belong to a slot number that is retired, and
// sweep() strips retired slots part by part, all of them in one pass, before they are used again.
// Speculative entries stand for what was just sent somewhere, until events confirm it or they
// expire.
//
// Home:    match() on any threads at a time while nobody changes the index; all else alone.
//          router/kv_events/shared_index.h puts the lock around it.
// Bounds:  Options::max_bytes; the least recently matched blocks go first. kMaxCopies counts of
//          duplicates, kMaxSpeculative speculative entries: the oldest goes early.
// Cost:    store, remove: one probe per block. match: one probe per block and a word per 64
//          endpoints that still match.
// Source:  router.md section 11.5. Unlike upstream, every holder of a block counts (no
// podCacheSize).
#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <span>
#include <vector>

#include "base/clock.h"
#include "router/core/flat_map.h"
#include "router/core/holder_table.h"
#include "router/endpoint.h"

namespace nacelle::router {

struct PreciseMatch {
  std::uint32_t blocks = 0;  // leading blocks held, in any tier
  float weight = 0;          // sum of their tiers' weights
};

// Reused between calls of match(); one per thread.
class MatchScratch {
  friend class PreciseIndex;
  std::vector<std::uint64_t> alive_, held_;
  std::vector<float> penalty_;
  std::vector<std::uint32_t> penalised_;
};

class PreciseIndex {
 public:
  struct Options {
    std::size_t max_bytes = std::size_t{2} << 30;
    std::array<float, 3> tier_weights{1.0f, 0.8f, 0.5f};  // gpu, cpu, disk; each at most the first
  };
  struct Counters {
    std::uint64_t admissions = 0;          // (block, endpoint, tier) entries made
    std::uint64_t evictions = 0;           // blocks forgotten for the bound
    std::uint64_t refused = 0;             // entries not made for the bound
    std::uint64_t duplicate_removals = 0;  // of contents that have another copy there
  };
  static constexpr std::size_t kMaxCopies = 1 << 20;
  static constexpr std::size_t kMaxSpeculative = 1 << 20;

  explicit PreciseIndex(const Options& options);

  // The endpoint holds these blocks (once more). kSpeculative is speculate()'s.
  void store(EndpointId endpoint, Plane tier, std::span<const std::uint64_t> keys);
  // It gave up one copy of each.
  void remove(EndpointId endpoint, Plane tier, std::span<const std::uint64_t> keys);
  // It holds nothing any more: cleared, restarted, or gone.
  void clear(EndpointId endpoint);
  // It will soon hold these, until `expires`, unless it says so itself before.
  void speculate(EndpointId endpoint, std::span<const std::uint64_t> keys, TimePoint expires);
  void expire(TimePoint now);

  // Strips retired slots from up to `num_parts` of kNumParts parts. False when nothing is left.
  bool sweep(std::uint32_t num_parts);

  // matches[e] of each endpoint id below matches.size(). Endpoints that hold no first block get 0.
  void match(std::span<const std::uint64_t> keys, MatchScratch& scratch,
             std::span<PreciseMatch> matches) const;

  [[nodiscard]] std::size_t bytes() const;
  [[nodiscard]] std::size_t num_blocks() const;  // with at least one holder, retired ones included
  [[nodiscard]] Counters counters() const;

  static constexpr std::uint32_t kNumParts = 256;

 private:
  static constexpr std::uint32_t kNoSlot = UINT32_MAX;
  struct Copies {
    std::uint32_t count = 0, slot = 0;  // beyond the first
  };
  struct Speculation {
    TimePoint expires;
    std::uint64_t key;
    std::uint32_t slot, generation;
  };
  enum class SlotState : std::uint8_t { kFree, kLive, kRetired, kSweeping };

  std::uint32_t slot_of(EndpointId endpoint);
  void retire(std::uint32_t slot);
  void begin_pass();
  void store_one(std::uint32_t slot, Plane plane, std::uint64_t key);
  bool remove_one(std::uint32_t slot, Plane plane, std::uint64_t key);
  void end_speculation(const Speculation& entry);
  void note_slow_tiers(const HolderTable::Found& found, std::size_t word, std::uint64_t alive,
                       MatchScratch& scratch) const;

  Options options_;
  std::array<HolderTable, kNumParts> parts_;
  std::vector<std::uint32_t> slots_;        // by endpoint
  std::vector<std::uint32_t> endpoints_;    // by slot
  std::vector<SlotState> states_;           // by slot
  std::vector<std::uint32_t> generations_;  // by slot
  std::vector<std::uint64_t> live_;         // bits of live slots
  std::vector<std::uint64_t> sweeping_;     // bits of the slots that the pass strips
  std::uint32_t next_part_ = kNumParts;     // of the pass; kNumParts: none
  std::uint32_t num_retired_ = 0;           // wait for the next pass
  FlatMap<Copies> copies_;
  std::deque<Speculation> speculations_;  // in the order of expiry
  Counters counters_;
};

}  // namespace nacelle::router
