// explain.h: one decision as a table for people.
//
// Home:    pure.
#pragma once

#include <string>

#include "router/core/decision_trace.h"
#include "router/schedule.h"

namespace nacelle::router {

[[nodiscard]] std::string explain(std::uint64_t number, const Schedule& schedule,
                                  const DecisionInput& input, const Decision& decision,
                                  const DecisionTrace& trace);

}  // namespace nacelle::router
