#include <algorithm>

#include "control/core/pod/decider.h"

namespace nacelle::control::pod {
namespace {

// What a container gets for its stop signal after a hook that used the whole grace period.
constexpr Duration kLeastGrace = 2s;
// SIGKILL is sent again while a process has not ended: it may have been in the middle of a fork.
constexpr Duration kKillAgain = 5s;
constexpr int kSigKill = 9;

}  // namespace

void Decider::stop_container(std::size_t index, Duration grace, bool no_grace) {
  ContainerState& container = state_.containers[index];
  if (container.phase != RunPhase::kRunning) return;  // a start that is under way ends by itself
  StopState& stop = container.stop;
  if (no_grace && stop.stage != StopStage::kKill) {
    stop.stage = StopStage::kSignal;
    stop.deadline = now_.at;
    return;
  }
  if (stop.stage != StopStage::kNone) return;
  const Container& spec = spec_.containers[index];
  if (state_.end.cause == EndCause::kFailed && state_.end.reason == "DeadlineExceeded" &&
      stop.why.empty()) {
    stop.why = "DeadlineExceeded";
  }
  state_.tell(false, "Killing", fmt::format("Stopping container {}", spec.name), spec.name);
  stop.deadline = now_.at + grace;
  if (spec.pre_stop && grace > Duration::zero()) {
    stop.stage = StopStage::kHook;
    container.pre_stop = HookPhase::kRunning;
    actions_.emplace_back(RunPreStop{index, container.attempt, grace});
    return;
  }
  send_stop_signal(index);
}

void Decider::send_stop_signal(std::size_t index) {
  ContainerState& container = state_.containers[index];
  container.stop.stage = StopStage::kSignal;
  container.stop.deadline = std::max(container.stop.deadline, now_.at + kLeastGrace);
  actions_.emplace_back(Signal{index, container.attempt, spec_.containers[index].stop_signal});
}

void Decider::step_stop(std::size_t index) {
  ContainerState& container = state_.containers[index];
  StopState& stop = container.stop;
  if (stop.stage == StopStage::kHook &&
      (container.pre_stop == HookPhase::kDone || due(stop.deadline))) {
    send_stop_signal(index);
  }
  if (stop.stage == StopStage::kSignal && due(stop.deadline)) {
    stop.stage = StopStage::kKill;
    stop.deadline = now_.at;
  }
  if (stop.stage == StopStage::kKill && due(stop.deadline)) {
    stop.deadline = now_.at + kKillAgain;
    actions_.emplace_back(Signal{index, container.attempt, kSigKill});
    (void)due(stop.deadline);
  }
}

void Decider::check_verdicts(std::size_t index) {
  ContainerState& container = state_.containers[index];
  const Container& spec = spec_.containers[index];
  if (container.stop.stage != StopStage::kNone || state_.end.cause != EndCause::kNone) return;
  if (container.stop.why == "PostStartHookError") {
    stop_container(index, spec_.grace, false);
    return;
  }
  for (const ProbeKind kind : {ProbeKind::kStartup, ProbeKind::kLiveness}) {
    if (container.probe(kind).verdict != ProbeVerdict::kFailure) continue;
    state_.tell(false, "Killing",
                fmt::format("Container {} failed {} probe, will be restarted", spec.name,
                            kind == ProbeKind::kStartup ? "startup" : "liveness"),
                spec.name);
    stop_container(index, spec.probe(kind)->grace.value_or(spec_.grace), false);
    return;
  }
}

void Decider::step_probe(std::size_t index, ProbeKind kind) {
  ContainerState& container = state_.containers[index];
  const std::optional<Probe>& probe = spec_.containers[index].probe(kind);
  ProbeState& track = container.probe(kind);
  if (!probe || track.running) return;
  if (kind == ProbeKind::kStartup && track.verdict != ProbeVerdict::kUnknown) return;
  // While a container ends nobody asks whether it lives, only whether it still serves.
  const bool ending =
      state_.end.cause != EndCause::kNone || container.stop.stage != StopStage::kNone;
  if (ending && kind != ProbeKind::kReadiness) return;
  if (!due(track.next)) return;
  track.running = true;
  track.next = now_.at + probe->period;
  actions_.emplace_back(RunProbe{index, container.attempt, kind});
}

void Decider::step_container(std::size_t index) {
  ContainerState& container = state_.containers[index];
  if (container.phase != RunPhase::kRunning) return;
  const Container& spec = spec_.containers[index];
  if (container.post_start == HookPhase::kNone) {
    if (!spec.post_start) {
      container.post_start = HookPhase::kDone;
    } else if (state_.end.cause == EndCause::kNone) {
      container.post_start = HookPhase::kRunning;
      actions_.emplace_back(RunPostStart{index, container.attempt});
    }
  }
  check_verdicts(index);
  step_stop(index);
  if (container.post_start == HookPhase::kRunning) return;
  if (container.startup.verdict != ProbeVerdict::kSuccess) {
    step_probe(index, ProbeKind::kStartup);
    return;
  }
  step_probe(index, ProbeKind::kLiveness);
  step_probe(index, ProbeKind::kReadiness);
}

}  // namespace nacelle::control::pod
