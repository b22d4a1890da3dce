#include "control/core/pod/pod_events.h"

#include <algorithm>
#include <utility>

#include "base/utf8.h"
#include "control/core/pod/termination.h"

namespace nacelle::control::pod {
namespace {

// The output of a program may be long; the pod's conditions are not the place for all of it.
constexpr std::size_t kMostOfFailure = 256;

ContainerState* run_of(PodState& state, std::size_t index, std::uint32_t attempt) {
  if (index >= state.containers.size()) return nullptr;
  ContainerState& container = state.containers[index];
  return container.attempt == attempt ? &container : nullptr;
}

void begin_probe(ProbeState& state, const std::optional<Probe>& probe, ProbeVerdict without,
                 ProbeVerdict initial, Instant now) {
  state = {};
  state.verdict = probe ? initial : without;
  state.next = probe ? now.at + probe->initial_delay : TimePoint::max();
}

}  // namespace

PodState new_state(const PodSpec& spec, Instant now) {
  PodState out;
  out.acknowledged = now;
  out.containers.resize(spec.containers.size());
  out.initialized = spec.num_init == 0;
  return out;
}

void setup_done(PodState& state) {
  if (state.setup == StepPhase::kRunning) state.setup = StepPhase::kDone;
  state.setup_message.clear();
}

void setup_failed(PodState& state, std::string_view why, Instant now) {
  if (state.setup != StepPhase::kRunning) return;
  state.setup = StepPhase::kIdle;
  if (state.setup_message != why) state.tell(true, "FailedMount", sanitize_utf8(why));
  state.setup_message = sanitize_utf8(why);
  // What is missing may come any moment: looked for every second at first, every ten later.
  state.setup_backoff.started_again();
  state.setup_retry_at = now.at + std::min<Duration>(1s * state.setup_backoff.restarts, 10s);
}

bool container_started(const PodSpec& spec, PodState& state, std::size_t index,
                       std::uint32_t attempt, std::string id, Instant now) {
  ContainerState* run = run_of(state, index, attempt);
  if (run == nullptr || run->phase != RunPhase::kStarting) return false;
  const Container& container = spec.containers[index];
  run->phase = RunPhase::kRunning;
  run->id = std::move(id);
  run->started = now;
  run->waiting_reason.clear();
  run->waiting_message.clear();
  run->start_backoff = {};
  run->post_start = HookPhase::kNone;
  run->pre_stop = HookPhase::kNone;
  begin_probe(run->startup, container.startup, ProbeVerdict::kSuccess, ProbeVerdict::kUnknown, now);
  begin_probe(run->liveness, container.liveness, ProbeVerdict::kSuccess, ProbeVerdict::kSuccess,
              now);
  begin_probe(run->readiness, container.readiness, ProbeVerdict::kSuccess, ProbeVerdict::kFailure,
              now);
  state.tell(false, "Started", fmt::format("Started container {}", container.name), container.name);
  return true;
}

bool container_start_failed(const PodSpec& spec, PodState& state, std::size_t index,
                            std::uint32_t attempt, std::string_view reason,
                            std::string_view message, Instant now) {
  ContainerState* run = run_of(state, index, attempt);
  if (run == nullptr || run->phase != RunPhase::kStarting) return false;
  run->phase = RunPhase::kWaiting;
  run->stop = {};
  if (run->waiting_message != message || run->waiting_reason != reason) {
    state.tell(true, std::string(reason.starts_with("Create") ? "Failed" : reason),
               fmt::format("Error: {}", sanitize_utf8(message)), spec.containers[index].name);
  }
  run->waiting_reason = reason;
  run->waiting_message = sanitize_utf8(message);
  // A missing config map may come any moment; a missing program seldom does.
  run->start_backoff.started_again();
  run->retry_at = now.at + (reason == "CreateContainerConfigError"
                                ? std::min<Duration>(1s * run->start_backoff.restarts, 10s)
                                : run->start_backoff.wait());
  return true;
}

bool container_exited(const PodSpec& spec, PodState& state, std::size_t index,
                      std::uint32_t attempt, const Exit& exit, Instant now) {
  ContainerState* run = run_of(state, index, attempt);
  if (run == nullptr || !run->up()) return false;
  run->ended = termination_of(spec.containers[index], *run, exit, now);
  run->phase = RunPhase::kTerminated;
  run->crash_loop = false;
  run->stop = {};
  run->backoff.ended(now.at - run->started.at);
  run->startup.running = run->liveness.running = run->readiness.running = false;
  return true;
}

bool probe_done(const PodSpec& spec, PodState& state, std::size_t index, ProbeKind kind,
                std::uint32_t attempt, const ProbeOutcome& outcome, Instant now) {
  (void)now;
  ContainerState* run = run_of(state, index, attempt);
  if (run == nullptr || run->phase != RunPhase::kRunning) return false;
  const Container& container = spec.containers[index];
  const std::optional<Probe>& probe = container.probe(kind);
  ProbeState& track = run->probe(kind);
  if (!probe || !track.running) return false;
  track.running = false;
  track.in_a_row = track.last_ok == outcome.ok ? std::min(track.in_a_row + 1, 1'000'000) : 1;
  track.last_ok = outcome.ok;
  const int threshold = outcome.ok ? probe->success_threshold : probe->failure_threshold;
  if (track.in_a_row >= threshold) {
    track.verdict = outcome.ok ? ProbeVerdict::kSuccess : ProbeVerdict::kFailure;
  }
  track.failure.clear();
  if (!outcome.ok) {
    track.failure = sanitize_utf8(outcome.message.substr(0, kMostOfFailure));
    state.tell(true, "Unhealthy",
               fmt::format("{} probe failed: {}", to_string(kind), sanitize_utf8(outcome.message)),
               container.name);
  }
  return true;
}

bool post_start_done(const PodSpec& spec, PodState& state, std::size_t index, std::uint32_t attempt,
                     const Status& result, Instant now) {
  (void)now;
  ContainerState* run = run_of(state, index, attempt);
  if (run == nullptr || run->phase != RunPhase::kRunning ||
      run->post_start != HookPhase::kRunning) {
    return false;
  }
  run->post_start = HookPhase::kDone;
  if (!result.ok()) {
    run->stop.why = "PostStartHookError";
    state.tell(true, "FailedPostStartHook",
               fmt::format("PostStartHook failed: {}", sanitize_utf8(result.message())),
               spec.containers[index].name);
  }
  return true;
}

bool pre_stop_done(const PodSpec& spec, PodState& state, std::size_t index, std::uint32_t attempt,
                   const Status& result) {
  ContainerState* run = run_of(state, index, attempt);
  if (run == nullptr || run->pre_stop != HookPhase::kRunning) return false;
  run->pre_stop = HookPhase::kDone;
  if (!result.ok()) {
    state.tell(true, "FailedPreStopHook",
               fmt::format("PreStopHook failed: {}", sanitize_utf8(result.message())),
               spec.containers[index].name);
  }
  return true;
}

void deletion_requested(const PodSpec& spec, PodState& state, Duration grace, Instant now) {
  (void)spec;
  state.deletion_requested = true;
  EndState& end = state.end;
  const TimePoint deadline = now.at + grace;
  if (end.cause == EndCause::kNone || end.cause == EndCause::kCompleted) {
    const bool first = end.cause == EndCause::kNone;
    end.cause = first ? EndCause::kDeleted : end.cause;
    end.deadline = first ? deadline : std::min(end.deadline, deadline);
  } else {
    end.deadline = std::min(end.deadline, deadline);
  }
  if (grace <= Duration::zero()) end.no_grace = true;
  for (ContainerState& container : state.containers) {
    if (container.stop.stage != StopStage::kNone) {
      container.stop.deadline = std::min(container.stop.deadline, deadline);
    }
  }
}

void fail_pod(PodState& state, std::string_view reason, std::string_view message, Duration grace,
              Instant now) {
  EndState& end = state.end;
  if (end.cause == EndCause::kFailed) return;
  // What has ended already ended as it did.
  if (end.cause != EndCause::kNone && !state.any_up()) return;
  const TimePoint deadline = now.at + grace;
  end.deadline = end.cause == EndCause::kNone ? deadline : std::min(end.deadline, deadline);
  end.cause = EndCause::kFailed;
  end.no_grace = end.no_grace || grace <= Duration::zero();
  end.reason = reason;
  end.message = message;
}

void release_done(PodState& state) {
  if (state.release == StepPhase::kRunning) state.release = StepPhase::kDone;
}

void remove_done(PodState& state) {
  if (state.remove == StepPhase::kRunning) state.remove = StepPhase::kDone;
}

void recovered(PodState& state, Instant now) {
  if (state.setup == StepPhase::kRunning) state.setup = StepPhase::kIdle;
  if (state.release == StepPhase::kRunning) state.release = StepPhase::kIdle;
  if (state.remove == StepPhase::kRunning) state.remove = StepPhase::kIdle;
  for (ContainerState& container : state.containers) {
    // A hook that ran in the old agent ended with it; it is not run twice.
    if (container.post_start == HookPhase::kRunning) container.post_start = HookPhase::kDone;
    if (container.pre_stop == HookPhase::kRunning) container.pre_stop = HookPhase::kDone;
    for (ProbeState* probe : {&container.startup, &container.liveness, &container.readiness}) {
      if (!probe->running) continue;
      probe->running = false;
      probe->next = now.at;
    }
  }
}

}  // namespace nacelle::control::pod
