// pool_status.h: an LLMInferencePool to the shares of its services, as its status tells them.
//
// Services read what they may have from there (allowed_replicas()), so the pool writes nothing but
// its own status.
//
// Home:    pure.
// Source:  scaling-and-benchmarks.md section 9, rows 1 to 5, 8, 14, 15, 18, 19, step 6 of its
//          algorithm; section 10.5.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "control/core/decision.h"
#include "control/core/llmd/fit.h"

namespace nacelle::control::llmd {

struct PoolObserved {
  std::vector<Json> services;        // of the namespace
  std::vector<Json> pools;           // of the namespace, this one too
  std::vector<Json> pods;            // of the services
  std::vector<NodeDevices> devices;  // of all nodes; their number is the budget of pools without
  std::map<std::string, ModelFacts> models;  // by service, where needs_model() says so
  std::int64_t now_s = 0;
};

[[nodiscard]] Decision decide_pool(const Json& pool, const PoolObserved& observed);

// What the pools of its namespace allot to a service; nothing when it is in none, or the pool has
// not decided yet.
[[nodiscard]] std::optional<std::int64_t> allowed_replicas(const Json& service,
                                                           const std::vector<Json>& pools);
// What its pool says of devices that it must share with others and that are too small for them all;
// "" when nothing.
[[nodiscard]] std::string refusal_of(const Json& service, const std::vector<Json>& pools);

}  // namespace nacelle::control::llmd
