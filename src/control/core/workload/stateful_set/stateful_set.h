// stateful_set.h: a StatefulSet to its pods, their claims and its revisions.
//
// Pods keep their names, and with them their claims. OrderedReady makes the next pod when the one
// before is available and takes the last one first; Parallel waits for nobody. A changed template
// is a new ControllerRevision: RollingUpdate replaces the pods from the highest ordinal down to
// spec.updateStrategy.rollingUpdate.partition, OnDelete only those that somebody deletes.
//
// A broken pod of an old revision is replaced like any other, so that a bad template can be mended;
// a rollout stops at the first pod of the new one that does not become available.
//
// Home:    pure.
// Bounds:  kMaxStatefulBatch creates or deletes per decision.
// Source:  kubernetes-api.md section 21; Kubernetes documentation, "StatefulSets".
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "control/core/decision.h"

namespace nacelle::control::workload {

inline constexpr std::size_t kMaxStatefulBatch = 500;
inline constexpr std::string_view kControllerRevisionHash = "controller-revision-hash";
inline constexpr std::string_view kStatefulPodName = "statefulset.kubernetes.io/pod-name";
inline constexpr std::string_view kPodIndex = "apps.kubernetes.io/pod-index";

// All lists are of the namespace.
struct StatefulSetObserved {
  Json stateful_set;
  std::vector<Json> pods;
  std::vector<Json> claims;     // PersistentVolumeClaims
  std::vector<Json> revisions;  // ControllerRevisions
  std::int64_t now = 0;         // seconds since 1970
};

[[nodiscard]] Decision decide_stateful_set(const StatefulSetObserved& observed);

}  // namespace nacelle::control::workload
