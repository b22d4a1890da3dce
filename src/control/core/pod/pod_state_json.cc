#include "control/core/pod/pod_state_json.h"

#include <algorithm>
#include <utility>

namespace nacelle::control::pod {
namespace {

using std::chrono::duration_cast;
using std::chrono::nanoseconds;

std::int64_t nanos(WallTime time) {
  return duration_cast<nanoseconds>(time.time_since_epoch()).count();
}
WallTime wall_of(const Json& json) {
  return WallTime(duration_cast<WallTime::duration>(nanoseconds(json.get<std::int64_t>())));
}

// A point of the monotonic clock is written as the wall clock's time at that point.
class Clocks {
 public:
  explicit Clocks(Instant now) : now_(now) {}
  [[nodiscard]] std::int64_t write(TimePoint time) const {
    if (time == TimePoint::max()) return INT64_MAX;
    if (time == TimePoint()) return INT64_MIN;
    return nanos(now_.wall) + duration_cast<nanoseconds>(time - now_.at).count();
  }
  [[nodiscard]] TimePoint read(const Json& json) const {
    const auto value = json.get<std::int64_t>();
    if (value == INT64_MAX) return TimePoint::max();
    if (value == INT64_MIN) return {};
    // Beyond a century off is no time of ours and would overflow.
    constexpr std::int64_t kFar = 3'000'000'000LL * 1'000'000'000LL;
    const std::int64_t current = nanos(now_.wall);
    const std::int64_t apart = std::clamp(value, current - kFar, current + kFar) - current;
    return now_.at + nanoseconds(apart);
  }

 private:
  Instant now_;
};

Json write(const Termination& end, const Clocks& clocks) {
  return {{"exitCode", end.exit_code},
          {"signal", end.signal},
          {"reason", end.reason},
          {"message", end.message},
          {"started", nanos(end.started)},
          {"finished", nanos(end.finished)},
          {"finishedAt", clocks.write(end.finished_at)},
          {"id", end.id}};
}

Termination read_termination(const Json& json, const Clocks& clocks) {
  Termination out;
  json.at("exitCode").get_to(out.exit_code);
  json.at("signal").get_to(out.signal);
  json.at("reason").get_to(out.reason);
  json.at("message").get_to(out.message);
  out.started = wall_of(json.at("started"));
  out.finished = wall_of(json.at("finished"));
  out.finished_at = clocks.read(json.at("finishedAt"));
  json.at("id").get_to(out.id);
  return out;
}

template <class E>
E read_enum(const Json& json, E last) {
  const int value = json.get<int>();
  if (value < 0 || value > static_cast<int>(last)) throw std::out_of_range("unknown value");
  return static_cast<E>(value);
}

Json write(const ContainerState& container, const Clocks& clocks) {
  Json out = {{"phase", static_cast<int>(container.phase)},
              {"attempt", container.attempt},
              {"restarts", container.restarts},
              {"id", container.id},
              {"started", nanos(container.started.wall)},
              {"startedAt", clocks.write(container.started.at)},
              {"postStart", static_cast<int>(container.post_start)},
              {"preStop", static_cast<int>(container.pre_stop)},
              {"stopStage", static_cast<int>(container.stop.stage)},
              {"stopDeadline", clocks.write(container.stop.deadline)},
              {"stopWhy", container.stop.why},
              {"startup", static_cast<int>(container.startup.verdict)},
              {"liveness", static_cast<int>(container.liveness.verdict)},
              {"readiness", static_cast<int>(container.readiness.verdict)},
              {"backoff", container.backoff.restarts},
              {"startBackoff", container.start_backoff.restarts},
              {"waitingReason", container.waiting_reason},
              {"waitingMessage", container.waiting_message},
              {"retryAt", clocks.write(container.retry_at)},
              {"crashLoop", container.crash_loop}};
  if (container.ended) out["ended"] = write(*container.ended, clocks);
  if (container.before) out["before"] = write(*container.before, clocks);
  return out;
}

ContainerState read_container_state(const Json& json, const Container& spec, const Clocks& clocks,
                                    Instant now) {
  ContainerState out;
  out.phase = read_enum(json.at("phase"), RunPhase::kTerminated);
  json.at("attempt").get_to(out.attempt);
  json.at("restarts").get_to(out.restarts);
  json.at("id").get_to(out.id);
  out.started = {clocks.read(json.at("startedAt")), wall_of(json.at("started"))};
  out.post_start = read_enum(json.at("postStart"), HookPhase::kDone);
  out.pre_stop = read_enum(json.at("preStop"), HookPhase::kDone);
  out.stop.stage = read_enum(json.at("stopStage"), StopStage::kKill);
  out.stop.deadline = clocks.read(json.at("stopDeadline"));
  json.at("stopWhy").get_to(out.stop.why);
  for (const ProbeKind kind : {ProbeKind::kStartup, ProbeKind::kLiveness, ProbeKind::kReadiness}) {
    ProbeState& probe = out.probe(kind);
    const char* name = kind == ProbeKind::kStartup    ? "startup"
                       : kind == ProbeKind::kLiveness ? "liveness"
                                                      : "readiness";
    probe.verdict = read_enum(json.at(name), ProbeVerdict::kFailure);
    // A verdict is held until probes of the new agent change it, from where their delay had got to.
    probe.last_ok = probe.verdict == ProbeVerdict::kSuccess;
    if (const auto& given = spec.probe(kind)) {
      probe.next = std::max(now.at, out.started.at + given->initial_delay);
    } else {
      probe.next = TimePoint::max();
    }
  }
  out.backoff.restarts = std::clamp(json.at("backoff").get<int>(), 0, 64);
  out.start_backoff.restarts = std::clamp(json.at("startBackoff").get<int>(), 0, 64);
  json.at("waitingReason").get_to(out.waiting_reason);
  json.at("waitingMessage").get_to(out.waiting_message);
  out.retry_at = clocks.read(json.at("retryAt"));
  json.at("crashLoop").get_to(out.crash_loop);
  if (json.contains("ended")) out.ended = read_termination(json.at("ended"), clocks);
  if (json.contains("before")) out.before = read_termination(json.at("before"), clocks);
  if (out.phase == RunPhase::kTerminated && !out.ended) throw std::out_of_range("no end");
  return out;
}

Json conditions_to_json(const PodState& state) {
  Json out = Json::array();
  for (const Condition& condition : state.conditions) {
    out.push_back({{"type", condition.type},
                   {"status", condition.status},
                   {"since", nanos(condition.since)}});
  }
  return out;
}

void read_pod(const Json& json, const Clocks& clocks, PodState& out) {
  out.acknowledged = {clocks.read(json.at("acknowledgedAt")), wall_of(json.at("acknowledged"))};
  out.setup = read_enum(json.at("setup"), StepPhase::kDone);
  json.at("initialized").get_to(out.initialized);
  json.at("deletionRequested").get_to(out.deletion_requested);
  out.release = read_enum(json.at("release"), StepPhase::kDone);
  out.remove = read_enum(json.at("remove"), StepPhase::kDone);
  const Json& end = json.at("end");
  out.end.cause = read_enum(end.at("cause"), EndCause::kDeleted);
  out.end.deadline = clocks.read(end.at("deadline"));
  end.at("noGrace").get_to(out.end.no_grace);
  end.at("reason").get_to(out.end.reason);
  end.at("message").get_to(out.end.message);
  for (const Json& condition : json.at("conditions")) {
    out.conditions.push_back(
        {condition.at("type"), condition.at("status"), "", "", wall_of(condition.at("since"))});
  }
}

}  // namespace

Json state_to_json(const PodState& state, Instant now) {
  const Clocks clocks(now);
  Json containers = Json::array();
  for (const ContainerState& container : state.containers) {
    containers.push_back(write(container, clocks));
  }
  return {{"version", 1},
          {"acknowledged", nanos(state.acknowledged.wall)},
          {"acknowledgedAt", clocks.write(state.acknowledged.at)},
          {"setup", static_cast<int>(state.setup)},
          {"initialized", state.initialized},
          {"deletionRequested", state.deletion_requested},
          {"release", static_cast<int>(state.release)},
          {"remove", static_cast<int>(state.remove)},
          {"end",
           {{"cause", static_cast<int>(state.end.cause)},
            {"deadline", clocks.write(state.end.deadline)},
            {"noGrace", state.end.no_grace},
            {"reason", state.end.reason},
            {"message", state.end.message}}},
          {"conditions", conditions_to_json(state)},
          {"containers", std::move(containers)}};
}

Result<PodState> state_from_json(const Json& json, const PodSpec& spec, Instant now) {
  const Clocks clocks(now);
  PodState out;
  try {
    if (json.at("version") != 1) return data_loss("the pod's state has another version");
    read_pod(json, clocks, out);
    const Json& containers = json.at("containers");
    if (containers.size() != spec.containers.size()) {
      return data_loss("the pod's state has {} containers, the pod {}", containers.size(),
                       spec.containers.size());
    }
    for (std::size_t i = 0; i < containers.size(); ++i) {
      out.containers.push_back(
          read_container_state(containers[i], spec.containers[i], clocks, now));
    }
  } catch (const std::exception& error) {
    return data_loss("the pod's state: {}", error.what());
  }
  return out;
}

std::string state_digest(const PodState& state) {
  // With one fixed "now" every point of time is written the same way each time.
  return state_to_json(state, Instant{}).dump(-1, ' ', false, Json::error_handler_t::replace);
}

}  // namespace nacelle::control::pod
