// replica_set.h: a ReplicaSet to its pods.
//
// Takes in orphans that match, lets go of pods that no longer do, makes pods in batches that double
// (so that a template nothing can run is tried once, not a thousand times), and removes those first
// that are missed least.
//
// Home:    pure.
// Bounds:  kMaxBatch creates or deletes per decision.
// Source:  kubernetes-api.md section 21.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "control/core/decision.h"

namespace nacelle::control::workload {

inline constexpr std::size_t kMaxBatch = 500;

struct ReplicaSetObserved {
  Json replica_set;
  std::vector<Json> pods;    // of the namespace
  std::int64_t now = 0;      // seconds since 1970
  std::string create_error;  // the API's message when the last create failed
};

[[nodiscard]] Decision decide_replica_set(const ReplicaSetObserved& observed);

}  // namespace nacelle::control::workload
