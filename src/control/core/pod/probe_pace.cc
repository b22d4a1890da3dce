#include "control/core/pod/probe_pace.h"

#include <algorithm>

namespace nacelle::control::pod {
namespace {

constexpr Duration kShortest = std::chrono::milliseconds(4);
constexpr int kShare = 50;

bool costs_a_process(const Probe& probe) {
  return std::holds_alternative<ExecAction>(probe.handler);
}

bool is_coming_up(const ContainerState& container, ProbeKind kind) {
  if (container.phase != RunPhase::kRunning || container.stop.stage != StopStage::kNone) {
    return false;
  }
  return kind != ProbeKind::kLiveness && container.probe(kind).verdict != ProbeVerdict::kSuccess;
}

}  // namespace

std::optional<Duration> wait_to_probe_again(const PodSpec& spec, const PodState& state,
                                            const ProbeTurn& turn, TimePoint now) {
  const ContainerState& container = state.containers[turn.index];
  const std::optional<Probe>& probe = spec.containers[turn.index].probe(turn.kind);
  if (container.attempt != turn.attempt || state.end.cause != EndCause::kNone || !probe ||
      costs_a_process(*probe) || !is_coming_up(container, turn.kind)) {
    return std::nullopt;
  }
  const Duration wait = std::max<Duration>(kShortest, (now - container.started.at) / kShare);
  if (now + wait >= turn.began + probe->period) return std::nullopt;
  return wait;
}

}  // namespace nacelle::control::pod
