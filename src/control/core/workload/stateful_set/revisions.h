// revisions.h: the templates that a StatefulSet had, as ControllerRevisions.
//
// The revision whose template equals the set's is the update revision: going back to an earlier
// template takes its revision up again, with a new number.
//
// Home:    pure.
// Source:  kubernetes-api.md sections 21 and 23.4 (`kubectl rollout history`, `undo`).
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "control/core/decision.h"

namespace nacelle::control::workload {

struct SetRevisions {
  // Null when it is not there yet: then `actions` makes it, and its name is `update_name`.
  const Json* update = nullptr;
  const Json* current = nullptr;  // of status.currentRevision; the update one when that is gone
  std::string update_name, current_name;
  std::vector<const Json*> owned;  // oldest first
  std::int64_t collisions = 0;
  std::vector<Action> actions;
};

[[nodiscard]] SetRevisions revisions_of(const Json& set, const std::vector<Json>& revisions);

// Deletes of what is neither used by `pods` nor among the last spec.revisionHistoryLimit.
[[nodiscard]] std::vector<Action> surplus_revisions(const Json& set, const SetRevisions& revisions,
                                                    const std::vector<const Json*>& pods);

// spec.template of a revision.
[[nodiscard]] const Json& template_of(const Json& revision);

}  // namespace nacelle::control::workload
