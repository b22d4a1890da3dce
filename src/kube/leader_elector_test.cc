#include "kube/leader_elector.h"

#include <gtest/gtest.h>

#include "kube/testing/fake_api_server.h"

namespace nacelle::kube {
namespace {

using testing::FakeApiServer;

const std::string kPath = "/apis/coordination.k8s.io/v1/namespaces/ns/leases";

struct Candidate {
  Candidate(FakeApiServer& server, std::string name) : changed(server.loop()) {
    ClientConfig config;
    CHECK(set_server(fmt::format("http://127.0.0.1:{}", server.port()), config).ok());
    client = std::move(*Client::create(server.loop(), config));
    LeaderElectionOptions options;
    options.name_space = "ns";
    options.name = "l";
    options.identity = std::move(name);
    options.lease_duration = 3s;
    options.renew_deadline = 2s;
    options.retry_period = 20ms;
    LeaderElector::Callbacks callbacks;
    callbacks.started = [this] { told('+'); };
    callbacks.stopped = [this] { told('-'); };
    elector = std::make_unique<LeaderElector>(*client, options, callbacks);
  }
  void told(char what) {
    log += what;
    changed.pulse();
  }
  async::Task<void> until(std::string wanted) {
    const TimePoint deadline = std::chrono::steady_clock::now() + 20s;
    while (log != wanted) {
      const Status waited = co_await changed.wait(deadline);
      if (!waited.ok()) break;
    }
    EXPECT_EQ(log, wanted);
  }

  async::Event changed;
  std::unique_ptr<Client> client;
  std::unique_ptr<LeaderElector> elector;
  std::string log;
};

std::string holder(FakeApiServer* server) {
  const Json* lease = server->object(kPath, "l");
  return lease == nullptr ? "none" : std::string(text_at(*lease, {"spec", "holderIdentity"}));
}

async::Task<void> hand_over(FakeApiServer* server) {
  Candidate a(*server, "a"), b(*server, "b");
  a.elector->start();
  co_await a.until("+");
  EXPECT_TRUE(a.elector->leads());
  b.elector->start();
  EXPECT_EQ(holder(server), "a");
  // Given back, it is free at once.
  co_await a.elector->stop();
  EXPECT_EQ(a.log, "+-");
  EXPECT_FALSE(a.elector->leads());
  co_await b.until("+");
  EXPECT_EQ(holder(server), "b");
  co_await b.elector->stop();
  EXPECT_EQ(holder(server), "");
}

TEST(LeaderElector, HandsOverWhenItStops) {
  FakeApiServer server;
  async::run_blocking(server.loop(), hand_over(&server));
}

async::Task<void> outage(FakeApiServer* server) {
  Candidate a(*server, "a");
  a.elector->start();
  co_await a.until("+");
  server->answer_next(500, "{}", 1000);
  co_await a.until("+-");
  EXPECT_FALSE(a.elector->leads());
  server->answer_next(0, {}, -1);  // forgets the script
  co_await a.until("+-+");         // nobody took it: it goes on
  co_await a.elector->stop();
  EXPECT_EQ(a.log, "+-+-");
}

TEST(LeaderElector, ALeaderThatCannotRenewStopsLeading) {
  FakeApiServer server;
  async::run_blocking(server.loop(), outage(&server));
}

async::Task<void> dead(FakeApiServer* server) {
  const Lease left{.holder = "dead", .duration = std::chrono::seconds(1)};
  server->put(kPath, lease_object(left, "ns", "l"));
  Candidate a(*server, "a"), b(*server, "b");
  a.elector->start();
  b.elector->start();
  const TimePoint deadline = std::chrono::steady_clock::now() + 20s;
  while (holder(server) == "dead" && std::chrono::steady_clock::now() < deadline) {
    (void)co_await server->activity().wait(deadline);
  }
  Candidate& leader = holder(server) == "a" ? a : b;
  Candidate& other = holder(server) == "a" ? b : a;
  co_await leader.until("+");
  EXPECT_EQ(other.log, "");
  const Json* lease = server->object(kPath, "l");
  EXPECT_EQ(number_at(*lease, {"spec", "leaseTransitions"}), 1);
  co_await other.elector->stop();
  co_await leader.elector->stop();
}

TEST(LeaderElector, ADeadHoldersLeaseIsTakenByOne) {
  FakeApiServer server;
  async::run_blocking(server.loop(), dead(&server));
}

TEST(LeaderElector, IdentitiesAreUuidsOfAHost) {
  const std::string one = new_identity("host");
  EXPECT_EQ(one.size(), std::string("host_").size() + 36);
  EXPECT_EQ(one[5 + 14], '4');
  EXPECT_EQ(one[5 + 8], '-');
  EXPECT_NE(one, new_identity("host"));
}

}  // namespace
}  // namespace nacelle::kube
