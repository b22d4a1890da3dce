// garbage_collector.h: objects whose owners are gone, and owners that go after their dependents.
//
// Works on the metadata of all objects at once. An owner counts as gone only when its kind is among
// `complete_kinds`: what has not been listed yet may be there. Updates change metadata only: a
// shell that holds metadata alone sends ownerReferences and finalizers as a merge patch with the
// resourceVersion.
//
// Home:    pure.
// Source:  kubernetes-api.md sections 14.3 and 14.4.
#pragma once

#include <set>
#include <string>
#include <vector>

#include "control/core/decision.h"

namespace nacelle::control::workload {

struct GarbageObserved {
  std::vector<Json> objects;             // apiVersion, kind, metadata
  std::set<std::string> complete_kinds;  // "apps/Deployment", "/Pod": group and kind
};

[[nodiscard]] Decision collect_garbage(const GarbageObserved& observed);

// "apps/Deployment" of an apiVersion and kind.
[[nodiscard]] std::string group_kind(std::string_view api_version, std::string_view kind);

}  // namespace nacelle::control::workload
