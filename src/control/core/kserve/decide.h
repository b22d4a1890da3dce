// decide.h: what a service needs done: its objects, its conditions, its addresses.
//
// Home:    pure.
// Source:  kserve.md sections A8, A13-A17; causes in pods reach the conditions (A22 row 5), and a
//          rollout that hangs shows although old pods answer (row 6).
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "control/core/decision.h"
#include "control/core/kserve/combine.h"
#include "control/core/kserve/objects.h"
#include "control/core/kserve/route.h"

namespace nacelle::control::kserve {

// What a gateway has sent to a pool since it began.
struct PoolTraffic {
  std::int64_t requests = 0;  // that an endpoint was asked for
  std::int64_t errors = 0;    // of them: 5xx, broken off, or no endpoint

  friend bool operator==(const PoolTraffic&, const PoolTraffic&) = default;
};

struct Observed {
  std::vector<Json> children;  // objects of the namespace of the kinds that we make
  std::vector<Json> routes;    // HTTPRoutes that spec.router.route.http.refs names
  std::vector<Json> gateways;  // all
  std::vector<Json> pods;      // of the service, by its selector
  std::vector<Json> peers;     // services of the same routing group
  std::string now;             // RFC 3339
  // By name of the pool, of those that answered; nothing: nobody counts.
  std::optional<std::map<std::string, PoolTraffic>> traffic;
  // By URL, what was heard where Decision::asks said; nothing: nobody asks, addresses count as
  // answered.
  std::optional<std::map<std::string, AddressAnswer>> answers;
  // What the API refused of the decision before: "LeaderWorkerSet chat-kserve-mn: not found".
  std::vector<std::string> refused;
};

[[nodiscard]] Decision decide(const Json& service, const GlobalConfig& global,
                              const Platform& platform, const Lookup& lookup,
                              const Observed& observed);

[[nodiscard]] bool is_stopped(const Json& service);

}  // namespace nacelle::control::kserve
