// An election as a whole: candidates with clocks of their own, and an API server that is slow,
// loses messages and goes away, in simulated time.
#include "kube/leader_election.h"

#include <gtest/gtest.h>

#include <functional>
#include <map>
#include <memory>
#include <random>
#include <vector>

namespace nacelle::kube {
namespace {

using Do = LeaderElection::Do;
using Seconds = std::chrono::duration<double>;

Duration seconds(double value) { return std::chrono::duration_cast<Duration>(Seconds(value)); }

// A lease with versions: creates and replaces are conditional, as on a real server.
struct ModelApi {
  std::optional<Lease> lease;
  std::uint64_t version = 0;

  enum class Code { kOk, kAbsent, kConflict };
  Code act(Do what, const Lease& wanted, Lease& out) {
    if (what == Do::kGet) {
      if (!lease) return Code::kAbsent;
      out = *lease;
      return Code::kOk;
    }
    const bool right =
        what == Do::kCreate ? !lease.has_value() : lease && lease->version == wanted.version;
    if (!right) return lease || what == Do::kCreate ? Code::kConflict : Code::kAbsent;
    lease = wanted;
    lease->version = std::to_string(++version);
    out = *lease;
    return Code::kOk;
  }
};

class World {
 public:
  explicit World(unsigned seed) : random_(seed) {}

  struct Candidate {
    std::unique_ptr<LeaderElection> core;
    double offset = 0, rate = 1;  // of its clock
    bool alive = true;
    std::uint64_t call = 0;  // the one in flight; an answer of another one is too late
    int terms = 0;
    bool led = false;
  };

  Candidate& join() {
    auto made = std::make_unique<Candidate>();
    made->core = std::make_unique<LeaderElection>(LeaderElectionOptions{
        .name_space = "ns", .name = "l", .identity = "c" + std::to_string(all_.size())});
    made->offset = uniform(0, 1e6);
    made->rate = uniform(0.97, 1.03);
    all_.push_back(std::move(made));
    Candidate& candidate = *all_.back();
    at(now_, [this, &candidate] { step(candidate); });
    return candidate;
  }

  // How bad the network is: longest delay of each way, share of lost messages.
  double delay = 0.01, loss = 0;
  bool up = true;

  void run_until(double end) {
    while (!events_.empty() && events_.begin()->first <= end) {
      auto event = std::move(events_.begin()->second);
      now_ = events_.begin()->first;
      events_.erase(events_.begin());
      event();
      check();
    }
    now_ = end;
    check();
  }

  [[nodiscard]] int leaders() const {
    int out = 0;
    for (const auto& c : all_) out += c->alive && c->core->leads(local(*c)) ? 1 : 0;
    return out;
  }
  [[nodiscard]] Candidate* leader() const {
    for (const auto& c : all_) {
      if (c->alive && c->core->leads(local(*c))) return c.get();
    }
    return nullptr;
  }
  [[nodiscard]] double now() const { return now_; }
  double uniform(double from, double to) {
    return std::uniform_real_distribution<double>(from, to)(random_);
  }
  [[nodiscard]] TimePoint local(const Candidate& c) const {
    return TimePoint(seconds(c.offset + now_ * c.rate));
  }
  [[nodiscard]] ModelApi& api() { return api_; }
  [[nodiscard]] const std::vector<std::unique_ptr<Candidate>>& all() const { return all_; }

 private:
  void at(double when, std::function<void()> what) { events_.emplace(when, std::move(what)); }
  [[nodiscard]] WallTime wall(const Candidate& c) const {
    return WallTime(std::chrono::floor<std::chrono::microseconds>(local(c).time_since_epoch()));
  }

  void check() {
    ASSERT_LE(leaders(), 1) << "at " << now_;
    for (const auto& c : all_) {
      const bool leads = c->core->leads(local(*c));
      if (leads && !c->led) ++c->terms;
      c->led = leads;
    }
  }

  void step(Candidate& c) {
    if (!c.alive) return;
    LeaderElection::Step next = c.core->next(local(c), wall(c), uniform(0, 1));
    if (next.what == Do::kWait) {
      const double wait = to_seconds(next.until - local(c)) / c.rate;
      at(now_ + std::max(wait, 1e-6), [this, &c] { step(c); });
      return;
    }
    const TimePoint sent = local(c);
    const std::uint64_t call = ++calls_;
    c.call = call;
    const double there = now_ + uniform(0, delay);
    if (uniform(0, 1) >= loss) {
      at(there, [this, &c, next, sent, call] { arrive(c, next, sent, call); });
    }
    // The caller's patience ends with its lease, or with the same span.
    at(now_ + 10 / c.rate, [this, &c, call] {
      if (c.call != call || !c.alive) return;
      c.call = 0;
      c.core->failed(local(c), uniform(0, 1));
      step(c);
    });
  }

  // It reaches the server, perhaps long after its sender gave it up, and takes effect all the same.
  void arrive(Candidate& c, const LeaderElection::Step& next, TimePoint sent, std::uint64_t call) {
    if (!up) return;
    Lease lease;
    const ModelApi::Code code = api_.act(next.what, next.lease, lease);
    if (uniform(0, 1) < loss) return;
    at(now_ + uniform(0, delay), [this, &c, what = next.what, code, lease, sent, call] {
      if (c.call != call || !c.alive) return;
      c.call = 0;
      if (what == Do::kGet) {
        c.core->read(local(c), code == ModelApi::Code::kOk ? std::optional(lease) : std::nullopt);
      } else if (code == ModelApi::Code::kOk) {
        c.core->written(sent, local(c), lease);
      } else {
        c.core->refused(local(c));
      }
      step(c);
    });
  }

  std::mt19937 random_;
  double now_ = 0;
  std::multimap<double, std::function<void()>> events_;
  std::vector<std::unique_ptr<Candidate>> all_;
  ModelApi api_;
  std::uint64_t calls_ = 0;
};

TEST(LeaderElection, NeverTwoLeadersAndOneInTheEnd) {
  const unsigned first = std::random_device{}();
  for (unsigned round = 0; round < 200; ++round) {
    const unsigned seed = first + round;
    SCOPED_TRACE(seed);
    World world(seed);
    for (int i = 0; i < 3; ++i) world.join();
    for (int weather = 0; weather < 12; ++weather) {
      world.delay = world.uniform(0, 1) < 0.3 ? 14 : world.uniform(0, 3);
      world.loss = world.uniform(0, 1) < 0.5 ? world.uniform(0, 0.6) : 0;
      world.up = world.uniform(0, 1) < 0.8;
      if (world.uniform(0, 1) < 0.2 && world.leader() != nullptr) world.leader()->alive = false;
      if (world.uniform(0, 1) < 0.2) world.join();
      world.run_until(world.now() + world.uniform(1, 40));
      if (HasFatalFailure()) return;
    }
    world.delay = 0.05;
    world.loss = 0;
    world.up = true;
    world.join();
    world.run_until(world.now() + 60);
    if (HasFatalFailure()) return;
    ASSERT_EQ(world.leaders(), 1);
  }
}

TEST(LeaderElection, ALeaderThatLivesStays) {
  World world(1);
  for (int i = 0; i < 4; ++i) world.join();
  world.run_until(5);
  World::Candidate* leader = world.leader();
  ASSERT_NE(leader, nullptr);
  world.run_until(1000);
  EXPECT_EQ(world.leader(), leader);
  EXPECT_EQ(leader->terms, 1);
  EXPECT_EQ(world.api().lease->transitions, 0);
  EXPECT_LT(world.api().lease->acquire_time, world.api().lease->renew_time);
}

TEST(LeaderElection, ADeadLeaderIsReplacedAfterItsLease) {
  World world(2);
  for (int i = 0; i < 2; ++i) world.join();
  world.run_until(20);
  World::Candidate* dead = world.leader();
  ASSERT_NE(dead, nullptr);
  dead->alive = false;
  world.run_until(30);
  EXPECT_EQ(world.leader(), nullptr);
  world.run_until(45);
  ASSERT_NE(world.leader(), nullptr);
  EXPECT_NE(world.leader(), dead);
  EXPECT_EQ(world.api().lease->transitions, 1);
}

// One candidate by hand, without delays.
struct Single {
  LeaderElection core{{.name_space = "ns", .name = "l", .identity = "me"}};
  TimePoint now{std::chrono::hours(1)};
  WallTime wall{std::chrono::seconds(1'800'000'000)};
  LeaderElection::Step next() { return core.next(now, wall, 0); }
};

Lease lease_of(std::string holder, std::string version, int duration = 15) {
  Lease out;
  out.holder = std::move(holder);
  out.version = std::move(version);
  out.duration = std::chrono::seconds(duration);
  out.transitions = 4;
  out.acquire_time = "before";
  return out;
}

TEST(LeaderElection, ALeaseIsWatchedForItsWholeDuration) {
  Single one;
  EXPECT_EQ(one.next().what, Do::kGet);
  one.core.read(one.now, lease_of("other", "1"));
  EXPECT_EQ(one.next().what, Do::kWait);
  one.now += 14s;
  EXPECT_EQ(one.next().what, Do::kGet);
  one.core.read(one.now, lease_of("other", "2"));  // it lives
  EXPECT_EQ(one.next().what, Do::kWait);
  one.now += 14s;
  EXPECT_EQ(one.next().what, Do::kGet);
  one.core.read(one.now, lease_of("other", "2"));
  EXPECT_EQ(one.next().what, Do::kWait);
  one.now += 3s;
  EXPECT_EQ(one.next().what, Do::kGet);  // never without having looked
  one.core.read(one.now, lease_of("other", "2"));
  const auto claim = one.next();
  EXPECT_EQ(claim.what, Do::kReplace);
  EXPECT_EQ(claim.lease.holder, "me");
  EXPECT_EQ(claim.lease.version, "2");
  EXPECT_EQ(claim.lease.transitions, 5);
  EXPECT_EQ(claim.lease.acquire_time, claim.lease.renew_time);
  EXPECT_FALSE(one.core.leads(one.now));
  // An answer that took long shortens the term: it counts from when it was sent.
  const TimePoint sent = one.now;
  one.now += 4s;
  one.core.written(sent, one.now, claim.lease);
  EXPECT_TRUE(one.core.leads(sent + 9s));
  EXPECT_FALSE(one.core.leads(sent + 10s));
  // Renewing keeps when and how often it was acquired.
  const auto renewal = one.next();
  EXPECT_EQ(renewal.what, Do::kReplace);
  EXPECT_EQ(renewal.lease.transitions, 5);
  EXPECT_EQ(renewal.lease.acquire_time, claim.lease.acquire_time);
}

TEST(LeaderElection, AReleasedLeaseIsFreeAtOnceAndOursIsGivenBack) {
  Single one;
  (void)one.next();
  one.core.read(one.now, lease_of("", "7", 1));
  const auto claim = one.next();
  ASSERT_EQ(claim.what, Do::kReplace);
  one.core.written(one.now, one.now, claim.lease);
  EXPECT_TRUE(one.core.leads(one.now));
  const auto release = one.core.resign(one.wall);
  ASSERT_EQ(release.what, Do::kReplace);
  EXPECT_FALSE(one.core.leads(one.now));
  EXPECT_EQ(release.lease.holder, "");
  EXPECT_EQ(release.lease.duration, 1s);
  EXPECT_EQ(release.lease.transitions, 5);
  // After a failure the lease is read before it is given back; another's is left alone.
  one.core.failed(one.now, 0);
  EXPECT_EQ(one.core.resign(one.wall).what, Do::kGet);
  one.core.read(one.now, lease_of("other", "8"));
  EXPECT_EQ(one.core.resign(one.wall).what, Do::kWait);
}

TEST(LeaderElection, TheFirstOneCreatesTheLease) {
  Single one;
  (void)one.next();
  one.core.read(one.now, std::nullopt);
  auto claim = one.next();
  ASSERT_EQ(claim.what, Do::kCreate);
  EXPECT_EQ(claim.lease.transitions, 0);
  one.core.refused(one.now);  // another was faster
  EXPECT_EQ(one.next().what, Do::kGet);
  const Json object = lease_object(claim.lease, "ns", "l");
  EXPECT_EQ(object.dump(),
            R"({"apiVersion":"coordination.k8s.io/v1","kind":"Lease","metadata":{"name":"l",)"
            R"("namespace":"ns"},"spec":{"acquireTime":"2027-01-15T08:00:00.000000Z",)"
            R"("holderIdentity":"me","leaseDurationSeconds":15,"leaseTransitions":0,)"
            R"("renewTime":"2027-01-15T08:00:00.000000Z"}})");
  const Lease again = parse_lease(object);
  EXPECT_EQ(again.holder, "me");
  EXPECT_EQ(again.duration, 15s);
}

TEST(LeaderElection, OptionsThatCannotBeSafeAreRefused) {
  LeaderElectionOptions options{.name_space = "n", .name = "l", .identity = "i"};
  EXPECT_TRUE(validate(options).ok());
  options.renew_deadline = 15s;
  EXPECT_FALSE(validate(options).ok());
  options.renew_deadline = 2s;
  EXPECT_FALSE(validate(options).ok());
  options.identity = "";
  EXPECT_FALSE(validate(options).ok());
}

}  // namespace
}  // namespace nacelle::kube
