// pool_address.h: the address of an LLMInferencePool, under which the model that a request names
// finds its service.
//
//   http://<pool>.<namespace>.svc.<domain>      in the cluster: a Service that leads to the gateway
//   <gateway>/pools/<namespace>/<pool>          from outside
//
// Below both, /v1/models lists the models of the pool's services (where the gateway is ours), and
// /v1/... goes to the InferencePools of the services with the model, by its own name and by its
// publisher's.
//
// Home:    pure.
// Source:  scaling-and-benchmarks.md section 9, row 17.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "control/core/decision.h"
#include "control/core/kserve/global_config.h"
#include "kube/conditions.h"

namespace nacelle::control::llmd {

// The way to a pool.
struct PoolFront {
  kserve::GlobalConfig global;
  Json gateway;                      // that of the installation; null: it is not there
  bool own_gateway = false;          // it reads GatewayPolicies
  std::vector<Json> children;        // of the pool, and objects of somebody else under their names
  std::vector<std::string> refused;  // what the API refused of the decision before
  // By URL, what was heard; nothing: nobody asks, addresses count as answered.
  std::optional<std::map<std::string, AddressAnswer>> answers;
};

// The objects that make it; `members` are the pool's services.
[[nodiscard]] std::vector<Json> pool_objects(const Json& pool, const std::vector<Json>& members,
                                             const PoolFront& front);

// Brings the objects to those, says in RouterReady what is in the way, and writes status.addresses
// and status.url of what has answered.
void publish_pool(const Json& pool, const std::vector<Json>& members, const PoolFront& front,
                  Json& status, kube::Conditions& conditions, Decision& decision);

}  // namespace nacelle::control::llmd
