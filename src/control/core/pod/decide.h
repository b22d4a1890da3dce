// decide.h: what to do next for a pod.
//
//   Decision next = decide(spec, state, now);
//   state = next.state;                  // the actions below are under way in it
//   for (const Action& action : next.actions) carry it out; report through pod_events.h
//   call again after every report, and at next.wake
//
// Reads everything and decides from that alone: it does not matter which event came before, and a
// second call with the state it gave back does nothing.
//
// Order of a life: set-up, init containers one after the other (sidecars stay), the containers
// together, and back: hook and stop signal for the containers within the common grace period,
// SIGKILL at its end, then the sidecars in reverse order, then volumes are released and, when the
// API asked for the end, the object is removed.
//
// Home:    pure.
// Source:  kubernetes-api.md sections 22.2 and 22.3.
#pragma once

#include <optional>
#include <variant>
#include <vector>

#include "control/core/pod/pod_state.h"

namespace nacelle::control::pod {

// Give the pod its address, make its volumes. Then setup_done() or setup_failed().
struct SetUp {
  friend bool operator==(const SetUp&, const SetUp&) = default;
};
// Then container_started() or container_start_failed(), and container_exited() once.
struct StartContainer {
  std::size_t index;
  std::uint32_t attempt;
  friend bool operator==(const StartContainer&, const StartContainer&) = default;
};
// Then post_start_done().
struct RunPostStart {
  std::size_t index;
  std::uint32_t attempt;
  friend bool operator==(const RunPostStart&, const RunPostStart&) = default;
};
// Then pre_stop_done(); to be given up after `limit`.
struct RunPreStop {
  std::size_t index;
  std::uint32_t attempt;
  Duration limit;
  friend bool operator==(const RunPreStop&, const RunPreStop&) = default;
};
struct Signal {
  std::size_t index;
  std::uint32_t attempt;
  int number;
  friend bool operator==(const Signal&, const Signal&) = default;
};
// Then probe_done(), after the probe's timeout at the latest.
struct RunProbe {
  std::size_t index;
  std::uint32_t attempt;
  ProbeKind kind;
  friend bool operator==(const RunProbe&, const RunProbe&) = default;
};
// Nothing of the pod runs any more: give back volumes and devices, publish. Then release_done().
struct Release {
  friend bool operator==(const Release&, const Release&) = default;
};
// Remove the API's object (grace zero, this uid) and forget the pod. Then remove_done().
struct RemoveObject {
  friend bool operator==(const RemoveObject&, const RemoveObject&) = default;
};

using Action = std::variant<SetUp, StartContainer, RunPostStart, RunPreStop, Signal, RunProbe,
                            Release, RemoveObject>;

struct Decision {
  PodState state;
  std::vector<Action> actions;
  std::optional<TimePoint> wake;  // nothing changes by time alone before it
};

[[nodiscard]] Decision decide(const PodSpec& spec, PodState state, Instant now);

// True when the container will not be started again by itself.
[[nodiscard]] bool is_final(const PodSpec& spec, const PodState& state, std::size_t index);

}  // namespace nacelle::control::pod
