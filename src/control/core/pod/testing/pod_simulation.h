// pod_simulation.h: a pod without processes: time and events by hand, actions as text.
//
//   PodSimulation pod(R"({"containers":[{"name":"c"}]})");
//   EXPECT_EQ(pod.step(), "set-up");
//   pod.set_up(); EXPECT_EQ(pod.step(), "start c#1"); ...
#pragma once

#include <gtest/gtest.h>

#include <string>
#include <string_view>

#include "control/core/pod/decide.h"
#include "control/core/pod/pod_events.h"
#include "control/core/pod/pod_status.h"

namespace nacelle::control::pod::testing {

inline PodSpec spec_of(std::string_view pod_spec) {
  Json object = {{"metadata", {{"name", "p"}, {"namespace", "ns"}, {"uid", "u1"}}},
                 {"spec", Json::parse(pod_spec)}};
  Result<PodSpec> spec = parse_pod(object);
  EXPECT_TRUE(spec.ok()) << spec.error().to_string();
  return spec.ok() ? *spec : PodSpec{};
}

class PodSimulation {
 public:
  explicit PodSimulation(std::string_view pod_spec) : spec(spec_of(pod_spec)) {
    now.at = TimePoint(std::chrono::hours(100));
    now.wall = WallTime(std::chrono::hours(24 * 365 * 56));
    state = new_state(spec, now);
  }

  // Decides until nothing is left to do; the actions in order, separated by "; ".
  std::string step() {
    std::string out;
    for (int round = 0; round < 10; ++round) {
      Decision next = decide(spec, state, now);
      state = std::move(next.state);
      wake = next.wake;
      if (next.actions.empty()) return out;
      for (const Action& action : next.actions) {
        if (!out.empty()) out += "; ";
        out += text(action);
      }
    }
    ADD_FAILURE() << "decide() does not come to rest: " << out;
    return out;
  }

  void advance(Duration by) {
    now.at += by;
    now.wall += std::chrono::duration_cast<WallTime::duration>(by);
  }
  // Goes to the next wake-up and decides; "" with nothing to do there.
  std::string sleep_and_step() {
    EXPECT_TRUE(wake.has_value());
    if (wake) advance(*wake - now.at);
    return step();
  }

  void set_up() { setup_done(state); }
  bool started(std::string_view name) {
    const std::size_t i = index(name);
    return container_started(spec, state, i, state.containers[i].attempt,
                             std::string(name) + std::to_string(state.containers[i].attempt), now);
  }
  bool exited(std::string_view name, int code, int signal = 0) {
    const std::size_t i = index(name);
    Exit exit;
    exit.code = code;
    exit.signal = signal;
    return container_exited(spec, state, i, state.containers[i].attempt, exit, now);
  }
  bool probed(std::string_view name, ProbeKind kind, bool ok) {
    const std::size_t i = index(name);
    return probe_done(spec, state, i, kind, state.containers[i].attempt, {ok, ok ? "" : "refused"},
                      now);
  }
  // Set-up and start of everything that asks for it, without probes.
  void bring_up() {
    for (int round = 0; round < 20; ++round) {
      step();
      if (state.setup == StepPhase::kRunning) set_up();
      for (std::size_t i = 0; i < spec.containers.size(); ++i) {
        if (state.containers[i].phase == RunPhase::kStarting) started(spec.containers[i].name);
      }
    }
  }

  Json status() { return pod_status(spec, state, {"127.0.0.1", "127.64.0.1", nullptr}, now.wall); }
  std::string phase() { return std::string(to_string(phase_of(spec, state))); }
  // "waiting ContainerCreating", "running", "terminated Error 3".
  std::string shown(std::string_view name) {
    const Json state_json = container_status(spec, state, index(name))["state"];
    if (state_json.contains("running")) return "running";
    if (state_json.contains("waiting")) {
      return "waiting " + state_json["waiting"]["reason"].get<std::string>();
    }
    return fmt::format("terminated {} {}", state_json["terminated"]["reason"].get<std::string>(),
                       state_json["terminated"]["exitCode"].get<int>());
  }
  // "True", "False Reason".
  std::string condition(std::string_view type) {
    const Json all = status();
    for (const Json& condition : all["conditions"]) {
      if (condition["type"] != type) continue;
      std::string out = condition["status"];
      if (condition.contains("reason")) out += " " + condition["reason"].get<std::string>();
      return out;
    }
    return "absent";
  }
  std::size_t index(std::string_view name) { return spec.index_of(name).value(); }

  std::string text(const Action& action) {
    const auto name = [&](std::size_t i, std::uint32_t attempt) {
      return fmt::format("{}#{}", spec.containers[i].name, attempt);
    };
    if (std::holds_alternative<SetUp>(action)) return "set-up";
    if (std::holds_alternative<Release>(action)) return "release";
    if (std::holds_alternative<RemoveObject>(action)) return "remove";
    if (const auto* a = std::get_if<StartContainer>(&action))
      return "start " + name(a->index, a->attempt);
    if (const auto* a = std::get_if<RunPostStart>(&action))
      return "post-start " + name(a->index, a->attempt);
    if (const auto* a = std::get_if<RunPreStop>(&action)) {
      return fmt::format("pre-stop {} {}s", name(a->index, a->attempt), a->limit / 1s);
    }
    if (const auto* a = std::get_if<Signal>(&action)) {
      return fmt::format("signal {} {}", a->number, name(a->index, a->attempt));
    }
    const auto& probe = std::get<RunProbe>(action);
    return fmt::format("{} {}", to_string(probe.kind), name(probe.index, probe.attempt));
  }

  PodSpec spec;
  PodState state;
  Instant now;
  std::optional<TimePoint> wake;
};

}  // namespace nacelle::control::pod::testing
