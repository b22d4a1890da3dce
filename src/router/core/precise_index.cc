#include "router/core/precise_index.h"

#include <algorithm>
#include <bit>

#include "base/check.h"

namespace nacelle::router {
namespace {

constexpr std::size_t kPrefetchDistance = 24;

std::uint64_t bit_of(std::uint32_t slot) { return std::uint64_t{1} << (slot % 64); }

// A 64-bit name of (key, slot, plane) that scatters.
std::uint64_t copy_key(std::uint64_t key, std::uint32_t slot, Plane plane) {
  std::uint64_t x =
      key ^ (std::uint64_t{slot} * kNumPlanes + static_cast<std::uint64_t>(plane) + 1) *
                0x9E3779B97F4A7C15u;
  x = (x ^ x >> 32) * 0xBF58476D1CE4E5B9u;
  return x ^ x >> 29;
}

constexpr Plane kPlanes[] = {Plane::kGpu, Plane::kCpu, Plane::kDisk, Plane::kSpeculative};

// Holders of one plane among the 64 slots of a word.
std::uint64_t plane_word(const HolderTable::Found& found, std::size_t word, Plane plane) {
  if (found.num_inline() == 0) {
    const std::uint64_t* row = word < found.stride() ? found.row(plane) : nullptr;
    return row == nullptr ? 0 : row[word];
  }
  std::uint64_t held = 0;
  for (std::uint32_t k = 0; k < found.num_inline(); ++k) {
    const std::uint32_t slot = found.holder(k);
    const bool in_plane = (found.planes(k) >> static_cast<int>(plane) & 1) != 0;
    if (slot / 64 == word && in_plane) held |= bit_of(slot);
  }
  return held;
}

// Holders in any plane, as words [begin, end) of `held`.
void collect_held(const HolderTable::Found& found, std::size_t begin, std::size_t end,
                  std::uint64_t* held) {
  std::fill(held + begin, held + end, 0);
  if (found.num_inline() == 0) {
    for (const Plane plane : kPlanes) {
      const std::uint64_t* row = found.row(plane);
      if (row == nullptr) continue;
      for (std::size_t w = begin; w < std::min(end, found.stride()); ++w) held[w] |= row[w];
    }
    return;
  }
  for (std::uint32_t k = 0; k < found.num_inline(); ++k) {
    const std::uint32_t slot = found.holder(k);
    if (slot / 64 >= begin && slot / 64 < end) held[slot / 64] |= bit_of(slot);
  }
}

}  // namespace

PreciseIndex::PreciseIndex(const Options& options) : options_(options) {
  for (HolderTable& part : parts_) part.set_limit(options.max_bytes / kNumParts);
}

std::uint32_t PreciseIndex::slot_of(EndpointId endpoint) {
  if (endpoint.value >= slots_.size()) slots_.resize(endpoint.value + 1, kNoSlot);
  std::uint32_t& slot = slots_[endpoint.value];
  if (slot != kNoSlot) return slot;
  const auto free = std::ranges::find(states_, SlotState::kFree);
  slot = static_cast<std::uint32_t>(free - states_.begin());
  if (free == states_.end()) {
    if (states_.size() == HolderTable::kMaxHolders) return slot = kNoSlot;
    states_.push_back(SlotState::kFree);
    endpoints_.push_back(0);
    generations_.push_back(0);
    live_.resize(states_.size() / 64 + 1);
    sweeping_.resize(live_.size());
  }
  states_[slot] = SlotState::kLive;
  endpoints_[slot] = endpoint.value;
  live_[slot / 64] |= bit_of(slot);
  return slot;
}

void PreciseIndex::store(EndpointId endpoint, Plane tier, std::span<const std::uint64_t> keys) {
  const std::uint32_t slot = slot_of(endpoint);
  if (slot == kNoSlot) {
    counters_.refused += keys.size();
    return;
  }
  for (std::size_t i = 0; i < std::min(keys.size(), kPrefetchDistance); ++i) {
    const SpreadKey spread(keys[i]);
    parts_[spread.part].prefetch(spread.hash);
  }
  for (std::size_t i = 0; i < keys.size(); ++i) {
    if (i + kPrefetchDistance < keys.size()) {
      const SpreadKey ahead(keys[i + kPrefetchDistance]);
      parts_[ahead.part].prefetch(ahead.hash);
    }
    store_one(slot, tier, keys[i]);
  }
}

void PreciseIndex::store_one(std::uint32_t slot, Plane plane, std::uint64_t key) {
  const SpreadKey spread(key);
  switch (parts_[spread.part].add(key, spread.hash, slot, plane)) {
    case HolderTable::Added::kNew:
      ++counters_.admissions;
      return;
    case HolderTable::Added::kFull:
      ++counters_.refused;
      return;
    case HolderTable::Added::kWasThere:
      break;
  }
  const std::uint64_t name = copy_key(key, slot, plane);
  if (Copies* copies = copies_.find(name)) {
    ++copies->count;
  } else if (copies_.size() < kMaxCopies) {
    copies_.insert(name, {1, slot});
  }
}

void PreciseIndex::remove(EndpointId endpoint, Plane tier, std::span<const std::uint64_t> keys) {
  if (endpoint.value >= slots_.size() || slots_[endpoint.value] == kNoSlot) return;
  for (const std::uint64_t key : keys) {
    if (!remove_one(slots_[endpoint.value], tier, key)) ++counters_.duplicate_removals;
  }
}

// False when another copy is left.
bool PreciseIndex::remove_one(std::uint32_t slot, Plane plane, std::uint64_t key) {
  if (copies_.size() > 0) {
    const std::uint64_t name = copy_key(key, slot, plane);
    if (Copies* copies = copies_.find(name)) {
      if (--copies->count == 0) copies_.erase(name);
      return false;
    }
  }
  const SpreadKey spread(key);
  parts_[spread.part].remove(key, spread.hash, slot, plane);
  return true;
}

void PreciseIndex::clear(EndpointId endpoint) {
  if (endpoint.value >= slots_.size() || slots_[endpoint.value] == kNoSlot) return;
  retire(slots_[endpoint.value]);
  slots_[endpoint.value] = kNoSlot;
}

void PreciseIndex::retire(std::uint32_t slot) {
  states_[slot] = SlotState::kRetired;
  live_[slot / 64] &= ~bit_of(slot);
  ++generations_[slot];
  ++num_retired_;
  if (copies_.size() == 0) return;
  std::vector<std::uint64_t> names;
  copies_.for_each([&](std::uint64_t name, const Copies& copies) {
    if (copies.slot == slot) names.push_back(name);
  });
  for (const std::uint64_t name : names) copies_.erase(name);
}

void PreciseIndex::begin_pass() {
  std::ranges::fill(sweeping_, 0);
  for (std::uint32_t slot = 0; slot < states_.size(); ++slot) {
    if (states_[slot] != SlotState::kRetired) continue;
    states_[slot] = SlotState::kSweeping;
    sweeping_[slot / 64] |= bit_of(slot);
  }
  num_retired_ = 0;
  next_part_ = 0;
}

bool PreciseIndex::sweep(std::uint32_t num_parts) {
  if (next_part_ == kNumParts) {
    if (num_retired_ == 0) return false;
    begin_pass();
  }
  for (; num_parts > 0 && next_part_ < kNumParts; --num_parts) {
    parts_[next_part_++].strip(sweeping_);
  }
  if (next_part_ == kNumParts) {
    for (SlotState& state : states_) {
      if (state == SlotState::kSweeping) state = SlotState::kFree;
    }
  }
  return next_part_ < kNumParts || num_retired_ > 0;
}

void PreciseIndex::speculate(EndpointId endpoint, std::span<const std::uint64_t> keys,
                             TimePoint expires) {
  const std::uint32_t slot = slot_of(endpoint);
  if (slot == kNoSlot) return;
  for (const std::uint64_t key : keys) {
    if (speculations_.size() == kMaxSpeculative) {
      end_speculation(speculations_.front());
      speculations_.pop_front();
    }
    store_one(slot, Plane::kSpeculative, key);
    speculations_.push_back({expires, key, slot, generations_[slot]});
  }
}

void PreciseIndex::expire(TimePoint now) {
  while (!speculations_.empty() && speculations_.front().expires <= now) {
    end_speculation(speculations_.front());
    speculations_.pop_front();
  }
}

void PreciseIndex::end_speculation(const Speculation& entry) {
  if (generations_[entry.slot] != entry.generation) return;  // the slot is somebody else's
  (void)remove_one(entry.slot, Plane::kSpeculative, entry.key);
}

void PreciseIndex::match(std::span<const std::uint64_t> keys, MatchScratch& scratch,
                         std::span<PreciseMatch> matches) const {
  std::ranges::fill(matches, PreciseMatch{});
  for (std::size_t i = 0; i < std::min(keys.size(), kPrefetchDistance); ++i) {
    const SpreadKey spread(keys[i]);
    parts_[spread.part].prefetch(spread.hash);
  }
  scratch.alive_.assign(live_.begin(), live_.end());
  scratch.held_.resize(live_.size());
  scratch.penalty_.resize(states_.size());
  std::size_t begin = 0, end = live_.size();  // words with a bit set
  const auto settle = [&](std::size_t word, std::uint64_t bits, std::uint32_t blocks) {
    for (; bits != 0; bits &= bits - 1) {
      const std::size_t slot = 64 * word + static_cast<std::size_t>(std::countr_zero(bits));
      if (endpoints_[slot] >= matches.size()) continue;
      matches[endpoints_[slot]] = {
          blocks, static_cast<float>(blocks) * options_.tier_weights[0] - scratch.penalty_[slot]};
    }
  };
  std::uint32_t i = 0;
  for (; i < keys.size() && begin < end; ++i) {
    if (i + kPrefetchDistance < keys.size()) {
      const SpreadKey ahead(keys[i + kPrefetchDistance]);
      parts_[ahead.part].prefetch(ahead.hash);
    }
    const SpreadKey spread(keys[i]);
    const HolderTable::Found found = parts_[spread.part].match(keys[i], spread.hash);
    if (!found) break;
    // Mostly the bits of one row decide, and nobody drops out.
    const bool plain = found.only_gpu_row() && end <= found.stride();
    const std::uint64_t* held = scratch.held_.data();
    if (plain) {
      held = found.row(Plane::kGpu);
    } else {
      collect_held(found, begin, end, scratch.held_.data());
    }
    std::uint64_t* alive = scratch.alive_.data();
    const auto keep = [&](std::size_t word) {
      if (i > 0) settle(word, alive[word] & ~held[word], i);
      alive[word] &= held[word];
    };
    std::size_t word = begin;
    for (; word + 4 <= end; word += 4) {  // one branch for 256 endpoints
      const std::uint64_t dropped =
          (alive[word] & ~held[word]) | (alive[word + 1] & ~held[word + 1]) |
          (alive[word + 2] & ~held[word + 2]) | (alive[word + 3] & ~held[word + 3]);
      if (dropped == 0) continue;
      for (std::size_t k = 0; k < 4; ++k) keep(word + k);
    }
    for (; word < end; ++word) {
      if ((alive[word] & ~held[word]) != 0) keep(word);
    }
    while (begin < end && alive[begin] == 0) ++begin;
    while (begin < end && alive[end - 1] == 0) --end;
    if (!plain) {
      for (std::size_t w = begin; w < end; ++w) {
        note_slow_tiers(found, w, alive[w], scratch);
      }
    }
  }
  for (std::size_t word = begin; i > 0 && word < end; ++word) settle(word, scratch.alive_[word], i);
  for (const std::uint32_t slot : scratch.penalised_) scratch.penalty_[slot] = 0;
  scratch.penalised_.clear();
}

// What a block weighs less because the best that its holders have is not their fastest memory.
void PreciseIndex::note_slow_tiers(const HolderTable::Found& found, std::size_t word,
                                   std::uint64_t alive, MatchScratch& scratch) const {
  std::uint64_t slow = alive & ~(plane_word(found, word, Plane::kGpu) |
                                 plane_word(found, word, Plane::kSpeculative));
  if (slow == 0) return;
  const std::uint64_t cpu = plane_word(found, word, Plane::kCpu);
  for (; slow != 0; slow &= slow - 1) {
    const int index = std::countr_zero(slow);
    const auto slot = static_cast<std::uint32_t>(64 * word) + static_cast<std::uint32_t>(index);
    const float weight = options_.tier_weights[(cpu >> index & 1) != 0 ? 1 : 2];
    if (scratch.penalty_[slot] == 0) scratch.penalised_.push_back(slot);
    scratch.penalty_[slot] += options_.tier_weights[0] - weight;
  }
}

std::size_t PreciseIndex::bytes() const {
  std::size_t sum = sizeof *this + speculations_.size() * sizeof(Speculation) + copies_.size() * 64;
  for (const HolderTable& part : parts_) sum += part.bytes();
  return sum;
}

std::size_t PreciseIndex::num_blocks() const {
  std::size_t sum = 0;
  for (const HolderTable& part : parts_) sum += part.size();
  return sum;
}

PreciseIndex::Counters PreciseIndex::counters() const {
  Counters counters = counters_;
  for (const HolderTable& part : parts_) counters.evictions += part.num_evicted();
  return counters;
}

}  // namespace nacelle::router
