// pod_failure_policy.h: what a failed pod means to its Job: a rule by exit codes or conditions, the
// first one that matches.
//
// Home:    pure.
// Source:  Kubernetes documentation, "Pod failure policy".
#pragma once

#include <string>

#include "kube/object.h"

namespace nacelle::control::workload {

enum class FailureAction {
  kCount,      // against backoffLimit
  kIgnore,     // replaced without being counted
  kFailIndex,  // the index is not tried again
  kFailJob,
};
struct FailureVerdict {
  FailureAction action = FailureAction::kCount;
  std::string message;  // of the rule that matched
};

// `policy` is spec.podFailurePolicy; a Job without one counts every failure.
[[nodiscard]] FailureVerdict judge_failure(const kube::Json& policy, const kube::Json& pod);

}  // namespace nacelle::control::workload
