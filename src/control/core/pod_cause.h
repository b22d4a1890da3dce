// pod_cause.h: why a pod does not answer, in words for people.
//
// Home:    pure.
// Source:  kserve.md A22 row 5; container states as kubernetes-api.md section 22.1 has them.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "kube/object.h"

namespace nacelle::control {

struct Cause {
  std::string reason;   // "CrashLoopBackOff", "OOMKilled", "Unschedulable", "ImagePullBackOff", ...
  std::string message;  // "pod chat-kserve-x: container main exited with code 1: last words"
  int severity = 0;     // higher tells more
};

// Nothing for pods that are ready or have said nothing yet.
[[nodiscard]] std::optional<Cause> cause_of(const kube::Json& pod);
// The one that tells most; of equals that of the first pod by name.
[[nodiscard]] std::optional<Cause> worst_cause(const std::vector<const kube::Json*>& pods);

}  // namespace nacelle::control
