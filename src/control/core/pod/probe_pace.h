// probe_pace.h: how soon a failed probe of a container that is coming up is tried again.
//
// A period is a second at least, and on average a start would be seen half a period late. So within
// its period such a probe is tried again at a fiftieth of what the start has taken so far; what
// counts against the threshold is the last try of each period, as if there were no others. Probes
// that run a program are tried once: each try costs a process.
//
// Home:    pure.
#pragma once

#include <cstdint>
#include <optional>

#include "control/core/pod/pod_state.h"

namespace nacelle::control::pod {

struct ProbeTurn {  // one RunProbe of decide()
  std::size_t index = 0;
  std::uint32_t attempt = 0;
  ProbeKind kind = ProbeKind::kStartup;
  TimePoint began{};
};

// The wait before the next try of this turn; nothing when its last outcome stands.
[[nodiscard]] std::optional<Duration> wait_to_probe_again(const PodSpec& spec,
                                                          const PodState& state,
                                                          const ProbeTurn& turn, TimePoint now);

}  // namespace nacelle::control::pod
