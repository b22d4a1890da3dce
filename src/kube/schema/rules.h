// rules.h: what built-in kinds require beyond their structure, and what an update may not change.
//
// Home:    pure. Objects are of the stored version, with defaults.
// Source:  kubernetes-api.md sections 2, 11.2, 19, 20.
#pragma once

#include <set>
#include <string>

#include "kube/schema/kind.h"
#include "kube/schema/shape.h"

namespace nacelle::kube::schema {

void check_kind(const Json& object, const Kind& kind, Findings& out);
void check_kind_update(const Json& before, const Json& after, const Kind& kind, Findings& out);

// Containers, volumes and ports; `path` is "spec" of a pod or "spec.template.spec".
// `more_volumes` are names that the spec does not have itself: claim templates of a StatefulSet.
void check_pod_spec(const Json& spec, const std::string& path, Findings& out,
                    const std::set<std::string>& more_volumes = {});

}  // namespace nacelle::kube::schema
