// leader_election.h: one candidate of an election by Lease, as a state machine without a network.
//
// Why there are never two leaders: a leader counts from the moment it *sent* a renewal that
// succeeded, and for renew_deadline only. The others count from the moment they *saw* the lease
// change, and wait for lease_duration, which is longer. Every write is conditional on the version
// that was read, so of two candidates that both think the lease is over one loses. Times that
// stand in the lease are never compared with a clock of ours: clocks of machines may differ by
// hours, as long as they run at about the same speed.
//
//   step = election.next(now, wall, jitter)
//   kWait                    nothing until step.until
//   kGet, kCreate, kReplace  do it, then tell: read(), written(), refused() or failed()
//
// Home:    pure; at most one step is in flight.
// Source:  client-go's leader election; kubernetes-api.md section 20.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "base/clock.h"
#include "base/status.h"
#include "kube/lease.h"
#include "kube/time.h"

namespace nacelle::kube {

struct LeaderElectionOptions {
  std::string name_space, name;  // of the Lease
  std::string identity;          // unique among the candidates: "<host>_<uuid>"
  Duration lease_duration = std::chrono::seconds(15);
  Duration renew_deadline = std::chrono::seconds(10);
  Duration retry_period = std::chrono::seconds(2);
};
// lease_duration > renew_deadline > 1.2 × retry_period.
[[nodiscard]] Status validate(const LeaderElectionOptions& options);

class LeaderElection {
 public:
  enum class Do : std::uint8_t { kWait, kGet, kCreate, kReplace };
  struct Step {
    Do what = Do::kWait;
    TimePoint until{};  // of kWait
    Lease lease;        // to write
  };

  explicit LeaderElection(LeaderElectionOptions options);

  // `jitter` in [0, 1) keeps candidates apart.
  [[nodiscard]] Step next(TimePoint now, WallTime wall, double jitter);

  void read(TimePoint now, std::optional<Lease> lease);  // nullopt: there is none
  // `sent`: when the step was handed out.
  void written(TimePoint sent, TimePoint now, Lease lease);
  void refused(TimePoint now);  // someone else wrote it
  void failed(TimePoint now, double jitter);

  [[nodiscard]] bool leads(TimePoint now) const { return now < leads_until_; }
  // leads() turns false then, unless a renewal comes first.
  [[nodiscard]] TimePoint leads_until() const { return leads_until_; }
  // Whose lease it was when we last saw it; "" when nobody's.
  [[nodiscard]] const std::string& holder() const { return seen_.holder; }

  // Leads no more. The step that tells the others so, or kGet when the lease must be read first, or
  // kWait when there is nothing to give back.
  [[nodiscard]] Step resign(WallTime wall);

  [[nodiscard]] const LeaderElectionOptions& options() const { return options_; }

 private:
  [[nodiscard]] Lease claim(WallTime wall) const;
  [[nodiscard]] bool ours() const { return exists_ && seen_.holder == options_.identity; }

  const LeaderElectionOptions options_;
  bool fresh_ = false;   // what was seen is what there was a moment ago: it may be written over
  bool exists_ = false;  // the lease, when it was last seen
  Lease seen_;
  TimePoint changed_{};  // when we saw it change
  TimePoint next_try_{};
  TimePoint leads_until_{};
};

}  // namespace nacelle::kube
