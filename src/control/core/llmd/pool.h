// pool.h: who gets how much of a pool's GPU budget.
//
// Weights make entitlements, by largest remainder in whole replicas. What somebody does not use is
// lent. A service below its entitlement takes loans back from anyone; with LowPriority one of
// higher priority under pressure also takes replicas below the entitlement of lower ones, down to
// their minimum, and to nothing only when it has no ready replica itself. Who gives way: lowest
// priority, most above its entitlement, fewest requests in flight, newest replica.
//
// Home:    pure.
// Bounds:  kMaxPoolServices services, kMaxPoolGpus.
// Source:  scaling-and-benchmarks.md section 9.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace nacelle::control::llmd {

inline constexpr std::size_t kMaxPoolServices = 1000;
inline constexpr std::int64_t kMaxPoolGpus = 100'000;

enum class Eviction { kNone, kFair, kLowPriority };

inline constexpr std::int64_t kHigh = 1000;
inline constexpr std::int64_t kNormal = 0;
inline constexpr std::int64_t kLow = -1000;

struct PoolService {
  std::string name;
  std::int64_t weight = 1;
  std::int64_t priority = kNormal;
  std::int64_t gpus = 1;    // of one replica
  std::int64_t demand = 0;  // replicas that its autoscaler or spec asks for
  std::int64_t min_replicas = 0;
  std::int64_t live = 0;    // replicas whose pods wait for a node or run
  std::int64_t ending = 0;  // whose pods are going: they hold their GPUs until they are gone
  std::int64_t ready = 0;
  std::optional<std::int64_t> granted;  // replicas it was allowed last; nothing: never asked
  bool under_pressure = false;          // its queue is above target for 10 s
  bool cooling_down = false;            // evicted within 60 s: takes nothing back yet
  // Of services that could give way alike the idler one does, then the one with the newest replica.
  std::int64_t in_flight = 0;  // requests
  std::int64_t newest = 0;     // seconds since 1970
};

struct PoolShare {
  std::string name;
  std::int64_t entitlement = 0;  // replicas
  std::int64_t allocated = 0;    // replicas it may have
  std::int64_t borrowed = 0;     // of them, beyond the entitlement
  std::int64_t unmet = 0;        // asked for and not allocated
  std::int64_t evicted = 0;      // taken from it by a higher priority
  std::int64_t waits = 0;        // allotted, but still held by others
};

enum class MayEvict : bool { kNo, kYes };  // no: somebody was evicted just now

// What each should have in the end, in the order of `services`.
[[nodiscard]] std::vector<PoolShare> allocate(const std::vector<PoolService>& services,
                                              std::int64_t budget, Eviction policy,
                                              MayEvict may_evict = MayEvict::kYes);

// What each may have now: a share grows only into GPUs that no pod holds and nobody was granted, so
// that the budget holds while replicas end. Higher priorities grow first.
void grant(const std::vector<PoolService>& services, std::int64_t budget,
           std::vector<PoolShare>& shares);

}  // namespace nacelle::control::llmd
