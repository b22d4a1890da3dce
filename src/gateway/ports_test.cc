// Ports that cannot be bound: refused with the whole configuration, or left out until they can be.
#include "gateway/ports.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <optional>

#include "gateway/testing/fixture.h"
#include "gateway/testing/tls_objects.h"
#include "net/listener.h"
#include "net/testing/raw_tls.h"
#include "net/testing/test_ca.h"

namespace nacelle::gateway {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

async::Task<void> answer(net::http::ServerExchange& exchange) {
  const net::http::ResponseHead head;
  (void)co_await exchange.respond(head, "served");
}

// A second listener is on a port that another program has.
class PortsThatAreTaken : public testing::GatewayFixture {
 public:
  void SetUp() override {
    GatewayFixture::SetUp();
    other_.emplace(std::move(*net::Listener::bind({"127.0.0.1", 0}, 1)));
    taken_ = other_->port();
    ASSERT_TRUE(other_->listen().ok());
    upstream_ = upstream(answer);
  }

  [[nodiscard]] std::string objects(const std::string& path) const {
    std::string text = testing::base_objects();
    const std::string one = "[{name: http, port: 0, protocol: HTTP}]";
    text.replace(text.find(one), one.size(),
                 fmt::format("\n  - {{name: http, port: 0, protocol: HTTP}}"
                             "\n  - {{name: more, port: {}, protocol: HTTP}}",
                             taken_));
    return text + testing::service("s", {upstream_}) +
           testing::route("r",
                          fmt::format("\n  - {{matches: [{{path: {{value: {}}}}}], backendRefs: "
                                      "[{{name: s, port: 80}}]}}",
                                      path));
  }
  [[nodiscard]] std::string taken() const { return fmt::format("127.0.0.1:{}", taken_); }

  std::optional<net::Listener> other_;
  std::uint16_t taken_ = 0;
  std::string upstream_;
};

TEST_F(PortsThatAreTaken, KeepAWholeConfigurationOutOrAreLeftOutOfIt) {
  start(testing::base_objects());
  const Status refused = apply(objects("/a"));
  EXPECT_THAT(refused.message(), HasSubstr(fmt::format("port {} is already in use", taken_)));
  stop();

  options_.unbound_ports = UnboundPorts::kLeaveOut;
  start(objects("/a"));
  EXPECT_EQ(ask("GET", "/a").body, "served");
  ASSERT_TRUE(apply(objects("/b")).ok()) << "what is newer comes in, too";
  EXPECT_EQ(ask("GET", "/b").body, "served");
  const UnservedPort told{
      taken(), "PortUnavailable",
      fmt::format("port {} is already in use (cannot bind {})", taken_, taken())};
  EXPECT_THAT(gateway_->unserved_ports(), ElementsAre(told));
  EXPECT_THAT(admin("/config"), HasSubstr("\"unserved_ports\":[{\"port\":\"" + taken()));
  EXPECT_THAT(admin("/metrics"), HasSubstr("nacelle_gateway_unserved_ports 1"));

  gateway_->try_unserved_ports();
  EXPECT_EQ(gateway_->unserved_ports().size(), 1U) << "it is taken still";
  other_.reset();
  gateway_->try_unserved_ports();
  EXPECT_TRUE(gateway_->unserved_ports().empty());
  EXPECT_EQ(ask_port(taken_, "GET", "/b").body, "served");
  ASSERT_TRUE(apply(objects("/c")).ok()) << "it is a port like all others now";
  EXPECT_EQ(ask_port(taken_, "GET", "/c").body, "served");
}

TEST_F(PortsThatAreTaken, AreForgottenWithTheirListener) {
  options_.unbound_ports = UnboundPorts::kLeaveOut;
  start(objects("/a"));
  std::string without = objects("/a");
  const std::string more = fmt::format("\n  - {{name: more, port: {}, protocol: HTTP}}", taken_);
  without.erase(without.find(more), more.size());
  ASSERT_TRUE(apply(without).ok());
  other_.reset();
  gateway_->try_unserved_ports();
  EXPECT_TRUE(gateway_->unserved_ports().empty());
  EXPECT_FALSE(ask_port(taken_, "GET", "/a").status.ok()) << "nobody listens there";
}

TEST_F(PortsThatAreTaken, AServedPortKeepsItsCertificateWhereTheNextOneIsBad) {
  const net::testing::TestCa ca;
  const auto secured = [&](const net::CertifiedKey& key, const std::string& name) {
    return testing::https_listener({"a"}) + testing::secret("a", key) +
           testing::service("s", {upstream_}) +
           testing::route(name, "\n  - {backendRefs: [{name: s, port: 80}]}");
  };
  const auto served = [&] {
    net::testing::RawTlsOptions options;
    options.server_name = "a.test";
    const net::testing::RawTlsClient client(gateway_->port(), options);
    return client.connected() ? client.certificate_name() : "none";
  };
  options_.unbound_ports = UnboundPorts::kLeaveOut;
  start(secured(ca.issue({"a.test"}), "r"));
  EXPECT_EQ(served(), "a.test");
  ASSERT_TRUE(apply(secured(ca.issue_expired({"old.test"}), "next")).ok());
  EXPECT_EQ(served(), "a.test");
  ASSERT_EQ(gateway_->unserved_ports().size(), 1U);
  EXPECT_EQ(gateway_->unserved_ports()[0].reason, "Invalid");
  EXPECT_THAT(gateway_->unserved_ports()[0].why, HasSubstr("the certificate expired at "));
  gateway_->try_unserved_ports();
  EXPECT_EQ(served(), "a.test") << "there is nothing to bind";
  ASSERT_TRUE(apply(secured(ca.issue({"new.test"}), "r")).ok());
  EXPECT_EQ(served(), "new.test");
  EXPECT_TRUE(gateway_->unserved_ports().empty());
}

}  // namespace
}  // namespace nacelle::gateway
