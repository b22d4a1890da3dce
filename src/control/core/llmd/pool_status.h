// pool_status.h: an LLMInferencePool to the shares of its services, as its status tells them.
//
// Services read what they may have from there (allowed_replicas()), so the pool writes nothing but
// its own status.
//
// Home:    pure.
// Source:  scaling-and-benchmarks.md section 9, rows 1 to 5, 8, 14, 15, 19; section 10.5.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "control/core/decision.h"

namespace nacelle::control::llmd {

struct PoolObserved {
  std::vector<Json> services;     // of the namespace
  std::vector<Json> pools;        // of the namespace, this one too
  std::vector<Json> pods;         // of the services
  std::int64_t devices = 0;       // there are, for pools without a budget
  std::int64_t device_bytes = 0;  // of one; 0 is unknown
  std::int64_t now_s = 0;
};

[[nodiscard]] Decision decide_pool(const Json& pool, const PoolObserved& observed);

// What the pools of its namespace allot to a service; nothing when it is in none, or the pool has
// not decided yet.
[[nodiscard]] std::optional<std::int64_t> allowed_replicas(const Json& service,
                                                           const std::vector<Json>& pools);

}  // namespace nacelle::control::llmd
