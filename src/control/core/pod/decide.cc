#include "control/core/pod/decide.h"

#include <algorithm>
#include <utility>

#include "control/core/pod/decider.h"
#include "control/core/pod/pod_events.h"

namespace nacelle::control::pod {
namespace {

bool succeeded(const ContainerState& container) {
  return container.phase == RunPhase::kTerminated && container.ended->exit_code == 0;
}

bool restarts(const PodSpec& spec, const ContainerState& container, std::size_t index) {
  switch (spec.restart_of(index)) {
    case RestartPolicy::kAlways:
      return true;
    case RestartPolicy::kOnFailure:
      return container.ended->exit_code != 0;
    case RestartPolicy::kNever:
      return false;
  }
  return false;
}

}  // namespace

bool is_final(const PodSpec& spec, const PodState& state, std::size_t index) {
  const ContainerState& container = state.containers[index];
  if (container.up()) return false;
  if (state.end.cause != EndCause::kNone) return true;
  return container.phase == RunPhase::kTerminated && !restarts(spec, container, index);
}

Decision decide(const PodSpec& spec, PodState state, Instant now) {
  return Decider(spec, std::move(state), now).run();
}

Decision Decider::run() {
  if (state_.release != StepPhase::kDone) {
    check_deadline();
    if (state_.end.cause == EndCause::kNone) {
      set_up();
      if (state_.setup == StepPhase::kDone) start_containers();
    }
    if (state_.end.cause != EndCause::kNone) end_pod();
    for (std::size_t i = 0; i < state_.containers.size(); ++i) step_container(i);
  }
  finish();
  return {std::move(state_), std::move(actions_), wake_};
}

void Decider::check_deadline() {
  if (!spec_.active_deadline || state_.end.cause == EndCause::kFailed ||
      state_.end.cause == EndCause::kDeleted) {
    return;
  }
  if (state_.end.cause == EndCause::kCompleted && !state_.any_up()) return;
  if (!due(state_.acknowledged.at + *spec_.active_deadline)) return;
  EndState& end = state_.end;
  const TimePoint deadline = now_.at + spec_.grace;
  end.deadline = end.cause == EndCause::kNone ? deadline : std::min(end.deadline, deadline);
  end.cause = EndCause::kFailed;
  end.reason = "DeadlineExceeded";
  end.message = "Pod was active on the node longer than the specified deadline";
}

void Decider::set_up() {
  if (state_.setup != StepPhase::kIdle || !due(state_.setup_retry_at)) return;
  state_.setup = StepPhase::kRunning;
  actions_.emplace_back(SetUp{});
}

void Decider::start_or_wait(std::size_t index) {
  ContainerState& container = state_.containers[index];
  const bool again = container.phase == RunPhase::kTerminated;
  if (again) {
    const Duration wait = container.backoff.wait();
    if (!due(container.ended->finished_at + wait)) {
      if (!container.crash_loop) {
        container.crash_loop = true;
        state_.tell(true, "BackOff",
                    fmt::format("Back-off restarting failed container {} in pod {}",
                                spec_.containers[index].name, spec_.full_name()),
                    spec_.containers[index].name);
      }
      return;
    }
    container.before = std::move(container.ended);
    container.ended.reset();
    container.backoff.started_again();
    container.crash_loop = false;
    ++container.restarts;
  } else if (!due(container.retry_at)) {
    return;
  }
  container.phase = RunPhase::kStarting;
  ++container.attempt;
  actions_.emplace_back(StartContainer{index, container.attempt});
}

bool Decider::start_init(std::size_t index) {
  ContainerState& container = state_.containers[index];
  const bool sidecar = spec_.is_sidecar(index);
  if (container.up()) return sidecar && container.is_started();
  if (!sidecar && succeeded(container)) return true;
  if (container.phase == RunPhase::kTerminated && !restarts(spec_, container, index)) {
    fail_pod(state_, "", "", spec_.grace, now_);
    return false;
  }
  start_or_wait(index);
  return false;
}

void Decider::start_containers() {
  for (std::size_t i = 0; i < spec_.num_init; ++i) {
    // Once the pod is initialised only its sidecars are looked after, and hold nobody up.
    if (state_.initialized && !spec_.is_sidecar(i)) continue;
    const bool next = start_init(i);
    if (!next && !state_.initialized) return;
  }
  state_.initialized = true;
  bool all_final = true;
  for (std::size_t i = spec_.num_init; i < state_.containers.size(); ++i) {
    ContainerState& container = state_.containers[i];
    if (!container.up() && !is_final(spec_, state_, i)) start_or_wait(i);
    all_final = all_final && is_final(spec_, state_, i);
  }
  if (!all_final) return;
  state_.end.cause = EndCause::kCompleted;
  state_.end.deadline = now_.at + spec_.grace;
}

void Decider::end_pod() {
  const EndState& end = state_.end;
  const Duration left = std::max(end.deadline - now_.at, Duration::zero());
  bool others_up = false;
  for (std::size_t i = 0; i < state_.containers.size(); ++i) {
    if (spec_.is_sidecar(i) || !state_.containers[i].up()) continue;
    others_up = true;
    stop_container(i, left, end.no_grace);
  }
  // Sidecars go last to first, each when the one after it is gone, but nobody outstays the grace.
  for (std::size_t i = spec_.num_init; i-- > 0;) {
    if (!spec_.is_sidecar(i) || !state_.containers[i].up()) continue;
    const bool turn = !others_up;
    others_up = true;
    if (turn || end.no_grace || due(end.deadline)) stop_container(i, left, end.no_grace);
  }
}

void Decider::finish() {
  if (state_.end.cause == EndCause::kNone || state_.any_up() ||
      state_.setup == StepPhase::kRunning) {
    return;
  }
  if (state_.release == StepPhase::kIdle) {
    state_.release = StepPhase::kRunning;
    actions_.emplace_back(Release{});
  }
  if (state_.release == StepPhase::kDone && state_.deletion_requested &&
      state_.remove == StepPhase::kIdle) {
    state_.remove = StepPhase::kRunning;
    actions_.emplace_back(RemoveObject{});
  }
}

}  // namespace nacelle::control::pod
