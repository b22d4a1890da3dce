// pool_status.h: an LLMInferencePool to the shares of its services, as its status tells them.
//
// Services read what they may have from there (allowed_replicas()), so the pool writes nothing but
// its own status, and the objects of its address (pool_address.h).
//
// Home:    pure.
// Source:  scaling-and-benchmarks.md section 9, rows 1 to 5, 8, 12, 14, 15, 18 to 20, step 6 of its
//          algorithm; section 10.5.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "control/core/decision.h"
#include "control/core/llmd/fit.h"
#include "control/core/llmd/pool_address.h"

namespace nacelle::control::llmd {

struct PoolObserved {
  std::vector<Json> services;        // of the namespace
  std::vector<Json> pools;           // of the namespace, this one too
  std::vector<Json> pods;            // of the services
  std::vector<NodeDevices> devices;  // of all nodes; their number is the budget of pools without
  std::map<std::string, ModelFacts> models;       // by service, where needs_model() says so
  std::map<std::string, std::int64_t> in_flight;  // requests by service, of those that are measured
  std::int64_t now_s = 0;
  std::optional<PoolFront> front;  // nothing: the pool gets no address
};

[[nodiscard]] Decision decide_pool(const Json& pool, const PoolObserved& observed);

// What the pools of its namespace allot to a service; nothing when it is in none, or the pool has
// not decided yet.
[[nodiscard]] std::optional<std::int64_t> allowed_replicas(const Json& service,
                                                           const std::vector<Json>& pools);
// What its pool says of devices that it must share with others and that are too small for them all;
// "" when nothing.
[[nodiscard]] std::string refusal_of(const Json& service, const std::vector<Json>& pools);

// What a pool's status says in numbers, for metrics.
struct PoolFigures {
  struct Service {
    std::string name;
    std::int64_t gpus = 0;         // allocated
    std::int64_t entitlement = 0;  // replicas
    std::int64_t evictions = 0;    // replicas, ever
    friend bool operator==(const Service&, const Service&) = default;
  };
  std::int64_t budget = 0;
  std::vector<Service> services;
  friend bool operator==(const PoolFigures&, const PoolFigures&) = default;
};
// `services` are those of its namespace.
[[nodiscard]] PoolFigures figures_of(const Json& pool, const std::vector<Json>& services);

}  // namespace nacelle::control::llmd
