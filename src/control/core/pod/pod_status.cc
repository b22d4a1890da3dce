#include "control/core/pod/pod_status.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "control/core/pod/decide.h"
#include "control/core/pod/fields.h"
#include "control/core/pod/time_text.h"

namespace nacelle::control::pod {
namespace {

constexpr std::string_view kOurs[] = {"PodReadyToStartContainers", "Initialized", "Ready",
                                      "ContainersReady", "PodScheduled"};

struct Wanted {
  std::string type;
  bool status = false;
  std::string reason;
  std::string message;
};

// True when a readiness gate's condition is True in the API's status.
bool gate_open(const Json* conditions, std::string_view type) {
  if (conditions == nullptr || !conditions->is_array()) return false;
  for (const Json& condition : *conditions) {
    if (!condition.is_object()) continue;
    if (condition.value("type", Json()) == type) return condition.value("status", Json()) == "True";
  }
  return false;
}

bool init_complete(const PodSpec& spec, const PodState& state, std::size_t index) {
  const ContainerState& container = state.containers[index];
  if (spec.is_sidecar(index)) return state.initialized || container.is_started();
  return container.phase == RunPhase::kTerminated && container.ended->exit_code == 0;
}

std::string names(const PodSpec& spec, const std::vector<std::size_t>& of) {
  std::string out;
  for (const std::size_t index : of) {
    if (!out.empty()) out += ' ';
    out += spec.containers[index].name;
  }
  return out;
}

Wanted initialized(const PodSpec& spec, const PodState& state) {
  std::vector<std::size_t> left;
  for (std::size_t i = 0; i < spec.num_init; ++i) {
    if (!init_complete(spec, state, i)) left.push_back(i);
  }
  if (state.initialized || left.empty()) return {"Initialized", true, "", ""};
  return {"Initialized", false, "ContainersNotInitialized",
          fmt::format("containers with incomplete status: [{}]", names(spec, left))};
}

// A start has some failed probes behind it before anybody is told of them.
constexpr int kFailuresToTell = 3;

// "main does not answer yet (...)" of a container whose probes keep it from being ready; "" of
// others.
std::string probe_trouble(const Container& spec, const ContainerState& container) {
  if (container.phase != RunPhase::kRunning) return "";
  const bool starting = container.startup.verdict != ProbeVerdict::kSuccess;
  const ProbeState& probe = starting ? container.startup : container.readiness;
  if (probe.failure.empty() || probe.in_a_row < kFailuresToTell) return "";
  return fmt::format("{} {} ({})", spec.name, starting ? "does not answer yet" : "is not ready",
                     probe.failure);
}

Wanted containers_ready(const PodSpec& spec, const PodState& state, PodPhase phase) {
  if (phase == PodPhase::kSucceeded) return {"ContainersReady", false, "PodCompleted", ""};
  if (phase == PodPhase::kFailed) return {"ContainersReady", false, "PodFailed", ""};
  std::vector<std::size_t> unready;
  for (std::size_t i = 0; i < spec.containers.size(); ++i) {
    if (spec.is_init(i) && !spec.is_sidecar(i)) continue;
    if (!state.containers[i].is_ready()) unready.push_back(i);
  }
  if (unready.empty()) return {"ContainersReady", true, "", ""};
  std::string message = fmt::format("containers with unready status: [{}]", names(spec, unready));
  for (const std::size_t index : unready) {
    const std::string trouble = probe_trouble(spec.containers[index], state.containers[index]);
    if (!trouble.empty()) message += "; " + trouble;
  }
  return {"ContainersReady", false, "ContainersNotReady", std::move(message)};
}

Wanted ready(const PodSpec& spec, const Wanted& containers, const Json* conditions) {
  Wanted out = containers;
  out.type = "Ready";
  if (!out.status) return out;
  for (const std::string& gate : spec.readiness_gates) {
    if (gate_open(conditions, gate)) continue;
    out.status = false;
    out.reason = "ReadinessGatesNotReady";
    if (!out.message.empty()) out.message += ", ";
    out.message += fmt::format("the status of pod readiness gate \"{}\" is not \"True\"", gate);
  }
  return out;
}

void bring_up_to_date(PodState& state, std::vector<Wanted> wanted, WallTime now) {
  std::vector<Condition> out;
  for (Wanted& want : wanted) {
    const auto old = std::find_if(state.conditions.begin(), state.conditions.end(),
                                  [&](const Condition& c) { return c.type == want.type; });
    const bool same = old != state.conditions.end() && old->status == want.status;
    out.push_back({std::move(want.type), want.status, std::move(want.reason),
                   std::move(want.message), same ? old->since : now});
  }
  state.conditions = std::move(out);
}

Json conditions_json(const PodState& state, const Json* others) {
  Json out = Json::array();
  for (const Condition& condition : state.conditions) {
    Json item = {{"type", condition.type},
                 {"status", condition.status ? "True" : "False"},
                 {"lastProbeTime", nullptr},
                 {"lastTransitionTime", to_rfc3339(condition.since)}};
    if (!condition.reason.empty()) item["reason"] = condition.reason;
    if (!condition.message.empty()) item["message"] = condition.message;
    out.push_back(std::move(item));
  }
  if (others == nullptr || !others->is_array()) return out;
  for (const Json& condition : *others) {
    if (!condition.is_object()) continue;
    const Json type = condition.value("type", Json());
    const bool ours = std::any_of(std::begin(kOurs), std::end(kOurs),
                                  [&](std::string_view name) { return type == name; });
    if (type.is_string() && !ours) out.push_back(condition);
  }
  return out;
}

}  // namespace

std::string_view to_string(PodPhase phase) {
  switch (phase) {
    case PodPhase::kPending:
      return "Pending";
    case PodPhase::kRunning:
      return "Running";
    case PodPhase::kSucceeded:
      return "Succeeded";
    case PodPhase::kFailed:
      return "Failed";
  }
  return "Unknown";
}

PodPhase phase_of(const PodSpec& spec, const PodState& state) {
  bool never_started = false;
  bool any_failed = false;
  bool any_live = false;  // runs, or will be started again
  for (std::size_t i = spec.num_init; i < spec.containers.size(); ++i) {
    const ContainerState& container = state.containers[i];
    if (container.phase == RunPhase::kWaiting || container.phase == RunPhase::kStarting) {
      if (!container.before) never_started = true;
      any_live = true;
    } else if (container.phase == RunPhase::kRunning || !is_final(spec, state, i)) {
      any_live = true;
    } else if (container.ended->exit_code != 0) {
      any_failed = true;
    }
  }
  const bool over =
      state.end.cause != EndCause::kNone && !state.any_up() && state.setup != StepPhase::kRunning;
  if (over) {
    if (state.end.cause == EndCause::kFailed || any_failed || never_started)
      return PodPhase::kFailed;
    return any_live ? PodPhase::kFailed : PodPhase::kSucceeded;
  }
  if (!state.initialized || never_started) return PodPhase::kPending;
  return PodPhase::kRunning;
}

Json pod_status(const PodSpec& spec, PodState& state, const StatusContext& context, WallTime now) {
  const PodPhase phase = phase_of(spec, state);
  std::vector<Wanted> wanted;
  const bool has_place = state.setup == StepPhase::kDone && state.release == StepPhase::kIdle;
  wanted.push_back({"PodReadyToStartContainers", has_place, "", ""});
  wanted.push_back(initialized(spec, state));
  const Wanted containers = containers_ready(spec, state, phase);
  wanted.push_back(ready(spec, containers, context.conditions));
  wanted.push_back(containers);
  wanted.push_back({"PodScheduled", true, "", ""});
  bring_up_to_date(state, std::move(wanted), now);

  Json out = {{"phase", to_string(phase)},
              {"conditions", conditions_json(state, context.conditions)},
              {"hostIP", context.host_ip},
              {"hostIPs", Json::array({Json{{"ip", context.host_ip}}})},
              {"startTime", to_rfc3339(state.acknowledged.wall)},
              {"qosClass", qos_class(spec)}};
  if (!context.pod_ip.empty()) {
    out["podIP"] = context.pod_ip;
    out["podIPs"] = Json::array({Json{{"ip", context.pod_ip}}});
  }
  if (!state.end.reason.empty()) out["reason"] = state.end.reason;
  if (!state.end.message.empty()) out["message"] = state.end.message;
  Json init = Json::array();
  Json regular = Json::array();
  for (std::size_t i = 0; i < spec.containers.size(); ++i) {
    (spec.is_init(i) ? init : regular).push_back(container_status(spec, state, i));
  }
  if (!init.empty()) out["initContainerStatuses"] = std::move(init);
  out["containerStatuses"] = std::move(regular);
  return out;
}

std::string ready_of(const Json& status) {
  Status ignored;
  for (const Fields& one : Fields(status, "status", ignored).items("conditions")) {
    if (one.text("type") == "Ready") return one.text("status");
  }
  return {};
}

bool changes_readiness(const Json& before, const Json& now) {
  return ready_of(before) != ready_of(now);
}

}  // namespace nacelle::control::pod
