// pod_state_json.h: a pod's state as a file keeps it while its agent is away.
//
// Kept is what a new agent cannot find out: attempts, restarts, ends, verdicts of probes, where the
// end stands. Points on the monotonic clock are kept with the wall clock beside them and put right
// when they are read, so that they hold across a restart of the machine as well.
//
// Home:    pure.
// Errors:  read: data_loss when the text is not ours or does not fit the pod.
#pragma once

#include "control/core/pod/pod_state.h"

namespace nacelle::control::pod {

[[nodiscard]] Json state_to_json(const PodState& state, Instant now);
[[nodiscard]] Result<PodState> state_from_json(const Json& json, const PodSpec& spec, Instant now);

// Equal texts mean that there is nothing new to write down. Times that follow from the rest are
// left out.
[[nodiscard]] std::string state_digest(const PodState& state);

}  // namespace nacelle::control::pod
