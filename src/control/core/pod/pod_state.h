// pod_state.h: what is known of a pod's processes, and where its life is.
//
// One value per pod. Observations enter through pod_events.h, decisions come from decide.h, and
// pod_status.h turns it into what the API shows. It can be written down and read again
// (pod_state_json.h), so that an agent that starts again goes on where it was.
//
// Home:    pure; a value of the pod's runner.
// Source:  kubernetes-api.md section 22.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "control/core/pod/crash_backoff.h"
#include "control/core/pod/handler.h"
#include "control/core/pod/pod_spec.h"
#include "control/core/pod/time_text.h"

namespace nacelle::control::pod {

// Decisions compare `at`, which no one sets back; people read `wall`.

struct Instant {
  TimePoint at{};
  WallTime wall{};
};

// How a run of a container ended.
struct Termination {
  int exit_code = 0;  // 128 + signal when a signal ended it
  int signal = 0;
  std::string reason;  // Completed, Error, OOMKilled, ...
  std::string message;
  WallTime started{};
  WallTime finished{};
  TimePoint finished_at{};
  std::string id;  // of the run
};

enum class ProbeVerdict : std::uint8_t { kUnknown, kSuccess, kFailure };
struct ProbeState {
  ProbeVerdict verdict = ProbeVerdict::kUnknown;  // after thresholds
  bool last_ok = false;
  int in_a_row = 0;  // outcomes like the last one
  TimePoint next{};  // not before
  bool running = false;
  std::string failure;  // what the last outcome says is wrong; "" when it was good
};

// Ending one container: hook, then the stop signal, then SIGKILL.
enum class StopStage : std::uint8_t { kNone, kHook, kSignal, kKill };
struct StopState {
  StopStage stage = StopStage::kNone;
  TimePoint deadline{};  // of this stage
  std::string why;       // reason of the termination instead of Error
};

enum class RunPhase : std::uint8_t { kWaiting, kStarting, kRunning, kTerminated };
enum class HookPhase : std::uint8_t { kNone, kRunning, kDone };

struct ContainerState {
  RunPhase phase = RunPhase::kWaiting;
  std::uint32_t attempt = 0;   // number of the run: results of older ones are ignored
  std::uint32_t restarts = 0;  // as the API shows
  std::string id;              // of the run that is or was last
  Instant started{};
  HookPhase post_start = HookPhase::kNone;
  HookPhase pre_stop = HookPhase::kNone;
  StopState stop;
  ProbeState startup, liveness, readiness;
  std::optional<Termination> ended;   // of this run: set when kTerminated
  std::optional<Termination> before;  // of the run before it
  CrashBackoff backoff;
  // While kWaiting: the last start that failed, and when to try again.
  CrashBackoff start_backoff;
  std::string waiting_reason;
  std::string waiting_message;
  TimePoint retry_at{};
  // While kTerminated and to be started again.
  bool crash_loop = false;

  [[nodiscard]] ProbeState& probe(ProbeKind kind) {
    return kind == ProbeKind::kStartup    ? startup
           : kind == ProbeKind::kLiveness ? liveness
                                          : readiness;
  }
  [[nodiscard]] const ProbeState& probe(ProbeKind kind) const {
    return const_cast<ContainerState*>(this)->probe(kind);
  }
  [[nodiscard]] bool up() const {
    return phase == RunPhase::kRunning || phase == RunPhase::kStarting;
  }
  [[nodiscard]] bool is_started() const {
    return phase == RunPhase::kRunning && post_start != HookPhase::kRunning &&
           startup.verdict == ProbeVerdict::kSuccess;
  }
  [[nodiscard]] bool is_ready() const {
    return is_started() && readiness.verdict == ProbeVerdict::kSuccess;
  }
};

// Why the whole pod ends. A later cause never replaces an earlier one, but a deletion is
// remembered.
enum class EndCause : std::uint8_t {
  kNone,
  kCompleted,  // its containers ended and are not started again: sidecars go
  kFailed,     // for good: `reason` and `message` of the pod; phase Failed
  kDeleted,    // the API asked for it
};
struct EndState {
  EndCause cause = EndCause::kNone;
  TimePoint deadline{};  // of the common grace period
  bool no_grace = false;
  std::string reason;
  std::string message;
};

enum class StepPhase : std::uint8_t { kIdle, kRunning, kDone };

struct Condition {
  std::string type;
  bool status = false;
  std::string reason;
  std::string message;
  WallTime since{};
};

// Something worth telling the user as an Event object.
struct PodEvent {
  bool warning = false;
  std::string reason;
  std::string message;
  std::string container;  // "" = of the pod
};

struct PodState {
  Instant acknowledged{};              // status.startTime
  StepPhase setup = StepPhase::kIdle;  // address, volumes
  std::string setup_message;           // why the last one failed
  TimePoint setup_retry_at{};
  CrashBackoff setup_backoff;
  bool initialized = false;                // init containers are done: stays true
  std::vector<ContainerState> containers;  // as PodSpec::containers
  EndState end;
  bool deletion_requested = false;
  StepPhase release = StepPhase::kIdle;  // volumes and devices are given back
  StepPhase remove = StepPhase::kIdle;   // the API's object
  std::vector<Condition> conditions;
  std::vector<PodEvent> events;  // outbox, emptied by the shell; at most kMaxEvents

  static constexpr std::size_t kMaxEvents = 64;

  [[nodiscard]] bool any_up() const {
    for (const ContainerState& container : containers) {
      if (container.up()) return true;
    }
    return false;
  }
  void tell(bool warning, std::string reason, std::string message, std::string container = "") {
    if (events.size() == kMaxEvents) events.erase(events.begin());
    events.push_back({warning, std::move(reason), std::move(message), std::move(container)});
  }
};

// A pod that the agent has just taken.
[[nodiscard]] PodState new_state(const PodSpec& spec, Instant now);

}  // namespace nacelle::control::pod
