#include "kube/leader_election.h"

#include <algorithm>
#include <utility>

namespace nacelle::kube {
namespace {

constexpr double kJitter = 1.2;  // of the pause between two tries to acquire

Duration jittered(Duration period, double jitter) {
  return period + std::chrono::duration_cast<Duration>(period * ((kJitter - 1) * jitter));
}

}  // namespace

Status validate(const LeaderElectionOptions& options) {
  if (options.identity.empty() || options.name.empty() || options.name_space.empty()) {
    return invalid_argument(
        "a leader election needs an identity, and a name and namespace of its "
        "lease");
  }
  if (options.retry_period <= Duration{}) {
    return invalid_argument("the retry period of a leader election is above 0");
  }
  if (options.renew_deadline <= jittered(options.retry_period, 1)) {
    return invalid_argument(
        "the renew deadline of {:.1f} s is not above 1.2 times the retry period "
        "of {:.1f} s",
        to_seconds(options.renew_deadline), to_seconds(options.retry_period));
  }
  if (options.lease_duration <= options.renew_deadline) {
    return invalid_argument(
        "the lease duration of {:.1f} s is not above the renew deadline of "
        "{:.1f} s",
        to_seconds(options.lease_duration), to_seconds(options.renew_deadline));
  }
  return {};
}

LeaderElection::LeaderElection(LeaderElectionOptions options) : options_(std::move(options)) {}

Lease LeaderElection::claim(WallTime wall) const {
  Lease out = exists_ ? seen_ : Lease();
  const std::string now = to_micro_time(wall);
  if (!ours()) {
    out.acquire_time = now;
    if (exists_) ++out.transitions;
  }
  out.holder = options_.identity;
  // Rounded up: the others wait for whole seconds.
  out.duration = std::chrono::ceil<std::chrono::seconds>(options_.lease_duration);
  out.renew_time = now;
  return out;
}

LeaderElection::Step LeaderElection::next(TimePoint now, WallTime wall, double jitter) {
  if (now < next_try_) return {Do::kWait, next_try_, {}};
  if (!fresh_) return {Do::kGet, {}, {}};
  if (!exists_) return {Do::kCreate, {}, claim(wall)};
  const bool over = seen_.holder.empty() || now >= changed_ + seen_.duration;
  if (ours() || over) return {Do::kReplace, {}, claim(wall)};
  fresh_ = false;
  next_try_ = now + jittered(options_.retry_period, jitter);
  return {Do::kWait, next_try_, {}};
}

void LeaderElection::read(TimePoint now, std::optional<Lease> lease) {
  fresh_ = true;
  const bool same = lease && exists_ && lease->version == seen_.version;
  exists_ = lease.has_value();
  if (same) return;
  changed_ = now;
  seen_ = lease ? std::move(*lease) : Lease();
  // Whoever took it over or took it away has waited for our lease to end.
  if (!ours()) leads_until_ = {};
}

void LeaderElection::written(TimePoint sent, TimePoint now, Lease lease) {
  exists_ = fresh_ = true;
  seen_ = std::move(lease);
  changed_ = now;
  if (!ours()) return;  // what we gave back
  leads_until_ = sent + options_.renew_deadline;
  next_try_ = sent + options_.retry_period;
}

void LeaderElection::refused(TimePoint now) {
  fresh_ = false;
  next_try_ = now;
}

void LeaderElection::failed(TimePoint now, double jitter) {
  fresh_ = false;
  next_try_ = now + (leads(now) ? options_.retry_period : jittered(options_.retry_period, jitter));
}

LeaderElection::Step LeaderElection::resign(WallTime wall) {
  leads_until_ = {};
  if (!fresh_) return {Do::kGet, {}, {}};
  if (!ours()) return {Do::kWait, {}, {}};
  Lease out = seen_;
  out.holder.clear();
  out.duration = std::chrono::seconds(1);
  out.acquire_time = out.renew_time = to_micro_time(wall);
  return {Do::kReplace, {}, std::move(out)};
}

}  // namespace nacelle::kube
