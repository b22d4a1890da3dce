// half_close_test.cc: a client that ends its side of the connection behind its request counts as
// gone (docs/gateway.md): the upstream request is cancelled, whatever the way in and the route.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/file.h"
#include "gateway/testing/engines.h"
#include "gateway/testing/fixture.h"
#include "gateway/testing/tls_objects.h"
#include "net/testing/frame_peer.h"
#include "net/testing/raw_client.h"
#include "net/testing/raw_tls.h"
#include "net/testing/test_ca.h"
#include "net/testing/test_folder.h"

namespace nacelle::gateway {
namespace {

using net::testing::FramePeer;
using net::testing::RawClient;
using net::testing::RawTlsClient;
using net::testing::TestCa;
using net::testing::TestFolder;
using testing::base_objects;
using ::testing::HasSubstr;
using testing::https_listener;
using testing::pool;
using testing::route;
using testing::secret;
using testing::service;

class HalfClose : public testing::GatewayFixture {
 public:
  // A service below /s, a pool below /p; `base` has the listener.
  void start_with(std::string base) {
    start(std::move(base) + service("s", {upstream(engine_.handler())}) +
          pool("p", {upstream(engine_.handler())}) + route("r", R"(
  - {matches: [{path: {value: /s}}], backendRefs: [{name: s, port: 80}]}
  - matches: [{path: {value: /p}}]
    backendRefs: [{group: inference.networking.k8s.io, kind: InferencePool, name: p}])"));
  }
  std::string with_log(const std::string& path) {
    return base_objects("  accessLog: {path: " + path + "}");
  }
  void until(const std::function<bool()>& condition) {
    while (!condition()) (void)admin("/health");
  }
  // After the client's end: the engine was told, and nobody waits for anything.
  void expect_cancelled(const std::string& says) {
    until([&] { return engine_.cancelled == 1; });
    until([&] {
      return admin("/metrics").find("nacelle_gateway_active_requests 0\n") != std::string::npos;
    });
    EXPECT_EQ(engine_.asked, 1) << says;
    engine_.asked = engine_.cancelled = 0;
  }

  testing::UntilGone engine_;
};

std::string post(const std::string& path) {
  return "POST " + path + " HTTP/1.1\r\nHost: a.test\r\nContent-Length: 2\r\n\r\n{}";
}

TEST_F(HalfClose, OverTcpTheRequestIsCancelledOnBothKindsOfRoute) {
  const TestFolder folder;
  const std::string log = folder.path() / "access.log";
  start_with(with_log(log));
  std::size_t requests = 0;
  for (const bool streams : {false, true}) {
    engine_.streams = streams;
    for (const char* path : {"/s", "/p"}) {
      const std::string says = fmt::format("{} {}", path, streams ? "in a stream" : "before it");
      for (const bool at_once : {false, true}) {
        RawClient client(gateway_->port());
        client.send(post(path));
        if (!at_once) until([&] { return engine_.asked == 1; });
        client.shutdown_send();
        if (at_once) {
          // The end may be seen before the engine was asked at all.
          client.read_to_end();
          until([&] { return engine_.asked == engine_.cancelled; });
          engine_.asked = engine_.cancelled = 0;
        } else {
          expect_cancelled(says);
          client.read_to_end();  // the gateway closes, too
        }
        ++requests;
      }
    }
  }
  stop();  // the log is written to its end
  const std::string lines = *read_file(log);
  std::size_t gone = 0;
  for (std::size_t at = lines.find(R"("response_flags":"DC")"); at != std::string::npos;
       at = lines.find(R"("response_flags":"DC")", at + 1))
    ++gone;
  EXPECT_EQ(gone, requests) << lines;
}

TEST_F(HalfClose, OverTlsAGoodbyeOrAnEndOfTheConnectionCancels) {
  const TestCa ca;
  start_with(https_listener({"a"}) + secret("a", ca.issue({"a.test"})));
  net::testing::RawTlsOptions options;
  options.server_name = "a.test";
  for (const bool streams : {false, true}) {
    engine_.streams = streams;
    for (const char* path : {"/s", "/p"}) {
      for (const bool polite : {false, true}) {
        RawTlsClient client(gateway_->port(), options);
        ASSERT_TRUE(client.connected());
        ASSERT_TRUE(client.send(post(path)));
        until([&] { return engine_.asked == 1; });
        polite ? client.say_goodbye() : client.shutdown_send();
        expect_cancelled(fmt::format("{} polite {} streams {}", path, polite, streams));
      }
    }
  }
}

// An ended request stream is how every HTTP/2 request ends; the end of the connection is not.
TEST_F(HalfClose, OverHttp2OnlyTheEndOfTheConnectionCancels) {
  start_with(base_objects());
  engine_.streams = true;
  for (const char* path : {"/s", "/p"}) {
    FramePeer peer(gateway_->port());
    peer.headers(1, net::testing::request_fields("POST", path), false);
    peer.data(1, "{}", true);
    const auto data = peer.next(NGHTTP2_DATA, 1);
    ASSERT_TRUE(data.has_value());
    EXPECT_EQ(data->payload, "data: 1\n\n");
    EXPECT_EQ(engine_.cancelled, 0);
    peer.socket().shutdown_send();
    expect_cancelled(path);
  }
}

}  // namespace
}  // namespace nacelle::gateway
