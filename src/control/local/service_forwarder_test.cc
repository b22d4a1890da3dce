#include "control/local/service_forwarder.h"

#include <gtest/gtest.h>
#include <sys/socket.h>

#include <thread>

#include "async/runtime.h"
#include "net/testing/raw_client.h"
#include "net/testing/raw_server.h"

namespace nacelle::control {
namespace {

using net::testing::RawClient;
using net::testing::RawServer;

net::TcpEndpoint local(std::uint16_t port) {
  return {boost::asio::ip::make_address("127.0.0.1"), port};
}

class ServiceForwarderTest : public ::testing::Test {
 protected:
  void SetUp() override {
    runtime_.start();
    ASSERT_TRUE(run(begin(this)));
  }
  void TearDown() override {
    run(end(this));
    runtime_.stop();
    runtime_.join();
  }
  template <class T>
  T run(async::Task<T> task) {
    return async::run_blocking(runtime_.loop(0), std::move(task));
  }
  static async::Task<bool> begin(ServiceForwarderTest* test) {
    test->forwarder_ = std::make_unique<ServiceForwarder>(test->runtime_.loop(0));
    co_return test->forwarder_->listen({"127.127.0.9", 0}).ok() ||
        test->forwarder_->listen({"127.0.0.1", 0}).ok();
  }
  static async::Task<void> end(ServiceForwarderTest* test) {
    co_await test->forwarder_->stop();
    test->forwarder_.reset();
  }
  static async::Task<void> set(ServiceForwarderTest* test, std::vector<net::TcpEndpoint> ready) {
    test->forwarder_->set_endpoints(std::move(ready));
    co_return;
  }

  async::Runtime runtime_{1};
  std::unique_ptr<ServiceForwarder> forwarder_;
};

// RawClient speaks to 127.0.0.1; the cluster address is another, so these tests listen there.
class LocalForwarderTest : public ServiceForwarderTest {
 protected:
  static async::Task<bool> listen(LocalForwarderTest* test) {
    co_await test->forwarder_->stop();
    test->forwarder_ = std::make_unique<ServiceForwarder>(test->runtime_.loop(0));
    co_return test->forwarder_->listen({"127.0.0.1", 0}).ok();
  }
  void SetUp() override {
    ServiceForwarderTest::SetUp();
    ASSERT_TRUE(run(listen(this)));
  }
};

RawServer::Script says(std::string name) {
  return [name](RawServer::Peer& peer) { peer.send(name); };
}

TEST_F(ServiceForwarderTest, ListensOnAClusterAddress) { EXPECT_NE(forwarder_->port(), 0); }

TEST_F(LocalForwarderTest, TakesEndpointsInTurnAndPassesOverDeadOnes) {
  RawServer a(says("a")), b(says("b"));
  std::uint16_t dead = 0;
  {
    RawServer gone(says("x"));
    dead = gone.port();
  }
  run(set(this, {local(a.port()), local(dead), local(b.port())}));
  std::string order;
  for (int i = 0; i < 6; ++i) order += RawClient(forwarder_->port()).read_to_end();
  EXPECT_EQ(order, "abbabb");
  run(set(this, {local(b.port())}));
  EXPECT_EQ(RawClient(forwarder_->port()).read_to_end(), "b");
}

TEST_F(LocalForwarderTest, WithoutEndpointsTheConnectionIsReset) {
  RawClient client(forwarder_->port());
  EXPECT_EQ(client.read_to_end(), "");
  EXPECT_TRUE(client.was_reset());
}

TEST_F(LocalForwarderTest, AnEndOfSendingIsPassedOnAndTheOtherWayStaysOpen) {
  std::string got;
  RawServer server([&](RawServer::Peer& peer) {
    std::array<char, 4096> buffer;
    for (ssize_t n; (n = ::recv(peer.fd(), buffer.data(), buffer.size(), 0)) > 0;) {
      got.append(buffer.data(), static_cast<std::size_t>(n));
    }
    peer.send("you said " + std::to_string(got.size()));  // after the client's end
  });
  run(set(this, {local(server.port())}));
  RawClient client(forwarder_->port());
  const std::string words(1 << 20, 'w');
  EXPECT_TRUE(client.send(words));
  client.shutdown_send();
  EXPECT_EQ(client.read_to_end(), "you said 1048576");
  EXPECT_EQ(got, words);
}

TEST_F(LocalForwarderTest, AResetBreaksTheOtherSide) {
  std::atomic<bool> broken = false;
  RawServer server([&](RawServer::Peer& peer) {
    peer.send("hello");
    char byte = 0;
    broken = ::recv(peer.fd(), &byte, 1, 0) <= 0;
    peer.send("x");
  });
  run(set(this, {local(server.port())}));
  {
    RawClient client(forwarder_->port());
    EXPECT_EQ(client.read_exactly(5), "hello");
    client.reset();
  }
  // The server serves one connection after the other: the second one is answered when the first
  // ended.
  RawClient next(forwarder_->port());
  EXPECT_EQ(next.read_exactly(5), "hello");
  EXPECT_TRUE(broken);
}

}  // namespace
}  // namespace nacelle::control
