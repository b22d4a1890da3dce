// decider.h: the inside of decide(): one pass over a pod.
//
// Home:    pure; lives for one call.
#pragma once

#include "control/core/pod/decide.h"

namespace nacelle::control::pod {

class Decider {
 public:
  Decider(const PodSpec& spec, PodState state, Instant now)
      : spec_(spec), state_(std::move(state)), now_(now) {}

  Decision run();

 private:
  // decide.cc: the pod
  void check_deadline();
  void set_up();
  void start_containers();
  bool start_init(std::size_t index);  // true when the next one may start
  void start_or_wait(std::size_t index);
  void end_pod();
  void finish();
  // decide_container.cc: one container
  void step_container(std::size_t index);
  void stop_container(std::size_t index, Duration grace, bool no_grace);
  void step_stop(std::size_t index);
  void send_stop_signal(std::size_t index);
  void step_probe(std::size_t index, ProbeKind kind);
  void check_verdicts(std::size_t index);

  [[nodiscard]] bool due(TimePoint when) {
    if (when <= now_.at) return true;
    if (when != TimePoint::max() && (!wake_ || when < *wake_)) wake_ = when;
    return false;
  }

  const PodSpec& spec_;
  PodState state_;
  Instant now_;
  std::vector<Action> actions_;
  std::optional<TimePoint> wake_;
};

}  // namespace nacelle::control::pod
