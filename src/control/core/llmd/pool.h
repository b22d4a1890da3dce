// pool.h: who gets how much of a pool's GPU budget.
//
// Weights make entitlements, by largest remainder in whole replicas. What somebody does not use is
// lent. A service below its entitlement takes loans back from anyone; with LowPriority one of
// higher priority under pressure also takes replicas below the entitlement of lower ones, down to
// their minimum, and to nothing only when it has no ready replica itself.
//
// Home:    pure.
// Bounds:  kMaxPoolServices services, kMaxPoolGpus.
// Source:  scaling-and-benchmarks.md section 9.
#pragma once

#include <cstdint>
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
  std::int64_t held = 0;  // replicas that hold GPUs now, those that end too
  std::int64_t ready = 0;
  bool under_pressure = false;  // its queue is above target for 10 s and nothing is free
  bool cooling_down = false;    // evicted within 60 s: takes nothing back yet
};

struct PoolShare {
  std::string name;
  std::int64_t entitlement = 0;  // replicas
  std::int64_t allocated = 0;    // replicas it may have
  std::int64_t borrowed = 0;     // of them, beyond the entitlement
  std::int64_t unmet = 0;        // asked for and not allocated
  std::int64_t evicted = 0;      // taken from it by a higher priority
};

// In the order of `services`.
[[nodiscard]] std::vector<PoolShare> allocate(const std::vector<PoolService>& services,
                                              std::int64_t budget, Eviction policy);

}  // namespace nacelle::control::llmd
