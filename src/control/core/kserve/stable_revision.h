// stable_revision.h: the workloads that a service's requests go to, with the revision that each
// has, and whether another one can be tried beside them.
//
// Home:    pure.
#pragma once

#include <string>
#include <vector>

#include "control/core/kserve/canary_objects.h"
#include "control/core/kserve/decide.h"

namespace nacelle::control::kserve {

struct StableSide {
  Json* wanted;       // one of those that the service wants now
  const Json* seen;   // null: it is not there
  Revision revision;  // of `seen`
};

// The main one first. Writes `revision`, that of `wanted`, to each of them.
[[nodiscard]] std::vector<StableSide> stable_sides(const Owner& owner, const Observed& observed,
                                                   const Revision& revision,
                                                   std::vector<Json>& wanted);

// Why there can be no canary; "" when there can.
[[nodiscard]] std::string why_no_canary(const Owner& owner, const Observed& observed,
                                        const Revision& revision,
                                        const std::vector<StableSide>& sides,
                                        const std::vector<Json>& wanted);

}  // namespace nacelle::control::kserve
