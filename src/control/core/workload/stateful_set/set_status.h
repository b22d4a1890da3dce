// set_status.h: the status of a StatefulSet from its counts.
//
// Home:    pure.
// Source:  kubernetes-api.md section 21.
#pragma once

#include <cstdint>
#include <string>

#include "kube/object.h"

namespace nacelle::control::workload {

struct SetCounts {
  std::int64_t replicas = 0, ready = 0, available = 0, current = 0, updated = 0, collisions = 0;
  std::string current_revision, update_revision;
};

// A rollout is over when all of `rolled` pods are of the new revision and ready: that is then the
// current one. -1 when nothing is rolled out.
[[nodiscard]] inline kube::Json set_status(const kube::Json& set, SetCounts counts,
                                           std::int64_t rolled) {
  if (counts.updated == rolled && counts.ready == rolled && counts.replicas == rolled) {
    counts.current = counts.updated;
    counts.current_revision = counts.update_revision;
  }
  kube::Json out = kube::map_at(set, {"status"});
  const auto count = [&](const char* name, std::int64_t value) {
    if (value == 0)
      out.erase(name);
    else
      out[name] = value;
  };
  out["replicas"] = counts.replicas;
  out["availableReplicas"] = counts.available;
  count("readyReplicas", counts.ready);
  count("currentReplicas", counts.current);
  count("updatedReplicas", counts.updated);
  out["currentRevision"] = counts.current_revision;
  out["updateRevision"] = counts.update_revision;
  out["collisionCount"] = counts.collisions;
  if (const auto generation = kube::number_at(set, {"metadata", "generation"})) {
    out["observedGeneration"] = *generation;
  }
  return out;
}

}  // namespace nacelle::control::workload
