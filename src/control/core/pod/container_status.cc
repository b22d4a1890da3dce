#include <fmt/format.h>

#include <utility>

#include "control/core/pod/decide.h"
#include "control/core/pod/pod_status.h"
#include "control/core/pod/time_text.h"

namespace nacelle::control::pod {
namespace {

std::string full_id(const std::string& id) { return id.empty() ? "" : "nacelle://" + id; }

Json terminated(const Termination& end) {
  Json out = {{"exitCode", end.exit_code},
              {"reason", end.reason},
              {"startedAt", to_rfc3339(end.started)},
              {"finishedAt", to_rfc3339(end.finished)},
              {"containerID", full_id(end.id)}};
  if (end.signal != 0) out["signal"] = end.signal;
  if (!end.message.empty()) out["message"] = end.message;
  return Json{{"terminated", std::move(out)}};
}

Json waiting(std::string_view reason, std::string_view message) {
  Json out = {{"reason", reason}};
  if (!message.empty()) out["message"] = message;
  return Json{{"waiting", std::move(out)}};
}

Json waiting_state(const PodSpec& spec, const PodState& state, std::size_t index) {
  const ContainerState& container = state.containers[index];
  if (container.phase == RunPhase::kWaiting && !container.waiting_reason.empty()) {
    if (container.waiting_reason == "ErrImagePull" && container.start_backoff.restarts > 1) {
      return waiting("ImagePullBackOff",
                     fmt::format("Back-off pulling image \"{}\": {}", spec.containers[index].image,
                                 container.waiting_message));
    }
    return waiting(container.waiting_reason, container.waiting_message);
  }
  const bool creating =
      spec.num_init == 0 || state.initialized || container.phase == RunPhase::kStarting;
  return waiting(creating ? "ContainerCreating" : "PodInitializing", state.setup_message);
}

Json crash_loop(const PodSpec& spec, const ContainerState& container, std::size_t index) {
  const auto wait = std::chrono::duration_cast<std::chrono::seconds>(container.backoff.wait());
  const std::string text = wait >= 60s ? fmt::format("{}m{}s", wait.count() / 60, wait.count() % 60)
                                       : fmt::format("{}s", wait.count());
  return waiting("CrashLoopBackOff",
                 fmt::format("back-off {} restarting failed container={} pod={}", text,
                             spec.containers[index].name, spec.full_name()));
}

}  // namespace

Json container_status(const PodSpec& spec, const PodState& state, std::size_t index) {
  const Container& container = spec.containers[index];
  const ContainerState& run = state.containers[index];
  Json current;
  const Termination* last = run.before ? &*run.before : nullptr;
  switch (run.phase) {
    case RunPhase::kRunning:
      current = Json{{"running", {{"startedAt", to_rfc3339(run.started.wall)}}}};
      break;
    case RunPhase::kTerminated:
      if (is_final(spec, state, index) || !run.crash_loop) {
        current = terminated(*run.ended);
      } else {
        current = crash_loop(spec, run, index);
        last = &*run.ended;
      }
      break;
    case RunPhase::kWaiting:
    case RunPhase::kStarting:
      current = waiting_state(spec, state, index);
      break;
  }
  const bool plain_init = spec.is_init(index) && !spec.is_sidecar(index);
  const bool completed = run.phase == RunPhase::kTerminated && run.ended->exit_code == 0;
  return Json{{"name", container.name},
              {"image", container.image},
              {"imageID", container.image},
              {"containerID", full_id(run.id)},
              {"state", std::move(current)},
              {"lastState", last == nullptr ? Json::object() : terminated(*last)},
              {"ready", plain_init ? completed : run.is_ready()},
              {"started", plain_init ? run.phase == RunPhase::kRunning : run.is_started()},
              {"restartCount", run.restarts}};
}

}  // namespace nacelle::control::pod
