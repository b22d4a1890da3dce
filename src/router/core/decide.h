// decide.h: the scheduling cycle: a pure function from an input to a decision.
//
//   subset hint, tried and dead endpoints, screeners, admitters
//   the handler names profiles; each one: filters, weighted scorers, picker
//   the handler names the primary result; finishers add headers
//
// Errors:  in Decision::refusal, with the HTTP status that says so.
// Bounds:  a handler that names profiles without end is stopped after 16 runs.
// Source:  router.md sections 4 and 8: S[e] = sum of clamp(score, 0, 1) * weight, not divided by
// the
//          weights.
#pragma once

#include "router/core/decision_trace.h"
#include "router/schedule.h"
#include "router/step_observer.h"

namespace nacelle::router {

// `trace` and `steps` may be null.
void decide(const Schedule& schedule, const DecisionInput& input, DecisionScratch& scratch,
            Decision& decision, DecisionTrace* trace = nullptr, StepObserver* steps = nullptr);

}  // namespace nacelle::router
