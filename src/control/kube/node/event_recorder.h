// event_recorder.h: writes Event objects beside the work that they tell of.
//
// Home:    the client's loop. stop() before destruction.
// Errors:  none leave: an API that cannot be reached is tried again for about a minute, what it
//          refuses is logged and dropped.
// Bounds:  kMaxWaiting events wait; beyond it the newest are dropped and counted.
#pragma once

#include <deque>
#include <string>

#include "async/event.h"
#include "async/task_scope.h"
#include "control/core/event_correlator.h"
#include "kube/client.h"

namespace nacelle::control::node {

class EventRecorder {
 public:
  static constexpr std::size_t kMaxWaiting = 1000;

  // `component` is who tells: "nacelle-node", "default-scheduler". `host` may be "".
  EventRecorder(kube::Client& client, std::string component, std::string host = {});

  void start();
  // What waits is written if the API takes it at once. Await before destruction.
  [[nodiscard]] async::Task<void> stop();

  // Never waits.
  void record(const EventFact& fact);

  [[nodiscard]] std::size_t dropped() const { return dropped_; }

 private:
  struct Waiting {
    EventFact fact;
    EventCorrelator::Write write;
    std::string time;
  };

  async::Task<void> run();
  // True when it is done with, written or not.
  [[nodiscard]] async::Task<bool> write(const Waiting* event);
  [[nodiscard]] kube::Json object_of(const Waiting& event) const;

  kube::Client& client_;
  const std::string component_;
  const std::string host_;
  EventCorrelator correlator_;
  std::deque<Waiting> waiting_;
  async::Event changed_;
  async::StopScope scope_;
  std::size_t dropped_ = 0;
};

}  // namespace nacelle::control::node
