// leader_elector.h: takes part in an election over a client, until it is stopped.
//
// started() and stopped() are called in turn, on the loop. A leader whose renewals fail stops to
// lead after renew_deadline, whatever call hangs, and goes on as a candidate. leads() is exact at
// the moment it is asked, also when the loop is late.
//
// Home:    the client's loop; leads() from any thread.
// Errors:  none leave: refusals and outages are logged once, and tried again.
// Bounds:  one call at a time.
// Source:  kube/leader_election.h.
#pragma once

#include <atomic>
#include <functional>
#include <random>
#include <string>

#include "async/task_scope.h"
#include "kube/client.h"
#include "kube/leader_election.h"
#include "telemetry/metrics.h"

namespace nacelle::kube {

class LeaderElector {
 public:
  struct Callbacks {
    std::function<void()> started, stopped;  // may be empty
  };

  // The client outlives the elector. `options` are valid. `status` may be null: 1 while it leads.
  LeaderElector(Client& client, LeaderElectionOptions options, Callbacks callbacks,
                telemetry::Gauge* status = nullptr);

  void start();
  // Stops to lead, gives the lease back, and ends. Await before destruction.
  [[nodiscard]] async::Task<void> stop();

  [[nodiscard]] bool leads() const;

 private:
  async::Task<void> run();
  [[nodiscard]] async::Task<Result<Answer>> act(const LeaderElection::Step* step,
                                                TimePoint deadline);
  // Tells the core what came of a step.
  void learn(const LeaderElection::Step& step, TimePoint sent, Result<Answer> answer);
  void publish();
  void tell_failure(const Status& why);
  [[nodiscard]] double jitter();

  Client& client_;
  LeaderElection core_;
  const ObjectRef object_;
  const Callbacks callbacks_;
  telemetry::Gauge* const status_;
  async::StopScope scope_;
  std::mt19937_64 random_{std::random_device{}()};
  std::atomic<Duration::rep> leads_until_{0};
  bool told_leads_ = false;
  bool told_failure_ = false;
  std::string told_holder_;
};

// "<host>_<uuid>".
[[nodiscard]] std::string new_identity(const std::string& host);

}  // namespace nacelle::kube
