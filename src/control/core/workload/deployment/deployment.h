// deployment.h: a Deployment to its ReplicaSets.
//
// The set whose template equals the Deployment's is the new one (oldest first), so going back to an
// earlier template takes that set up again with a new revision number. Old sets without replicas
// stay for rollback up to revisionHistoryLimit.
//
// Home:    pure.
// Errors:  rollback_to(): not_found naming the revision.
// Source:  kubernetes-api.md section 21. A change of replicas in the middle of a rollout goes to
// the
//          new set; nothing is spread over the old ones.
#pragma once

#include <cstdint>
#include <vector>

#include "base/result.h"
#include "control/core/decision.h"

namespace nacelle::control::workload {

inline constexpr std::string_view kRevision = "deployment.kubernetes.io/revision";
inline constexpr std::string_view kTemplateHash = "pod-template-hash";

struct DeploymentObserved {
  Json deployment;
  std::vector<Json> replica_sets;  // of the namespace
  std::int64_t now = 0;            // seconds since 1970
};

[[nodiscard]] Decision decide_deployment(const DeploymentObserved& observed);

// The deployment with the template of that revision (0: the one before the current).
[[nodiscard]] Result<Json> rollback_to(const DeploymentObserved& observed, std::int64_t revision);

}  // namespace nacelle::control::workload
