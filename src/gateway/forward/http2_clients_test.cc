// http2_clients_test.cc: clients over HTTP/2 that flood or stall the connection of a stream that is
// forwarded, and slow readers behind windows and TLS: upstream work ends with them, memory is
// bounded, others are served.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "gateway/testing/engines.h"
#include "gateway/testing/fixture.h"
#include "gateway/testing/tls_objects.h"
#include "net/testing/frame_peer.h"
#include "net/testing/raw_tls.h"
#include "net/testing/test_ca.h"

namespace nacelle::gateway {
namespace {

using net::http::ResponseHead;
using net::http::ServerExchange;
using net::testing::FramePeer;
using net::testing::header_block;
using net::testing::number32;
using net::testing::RawTlsClient;
using net::testing::request_fields;
using net::testing::TestCa;
using testing::base_objects;
using testing::Flood;
using ::testing::HasSubstr;
using testing::https_listener;
using testing::pool;
using testing::route;
using testing::secret;
using testing::service;
using testing::UntilGone;
using testing::value_of;

async::Task<void> answer_ok(ServerExchange& exchange) {
  (void)co_await exchange.read_body(1 << 20);
  const ResponseHead head;
  (void)co_await exchange.respond(head, "ok");
}

class Http2Clients : public testing::GatewayFixture {
 public:
  // The same engine behind a service below /s and a pool below /p; another one below /ok.
  void start_with(std::string base, const net::http::Handler& engine) {
    start(std::move(base) + service("s", {upstream(engine)}) + pool("p", {upstream(engine)}) +
          service("ok", {upstream(answer_ok)}) + route("r", R"(
  - {matches: [{path: {value: /s}}], backendRefs: [{name: s, port: 80}]}
  - {matches: [{path: {value: /ok}}], backendRefs: [{name: ok, port: 80}]}
  - matches: [{path: {value: /p}}]
    backendRefs: [{group: inference.networking.k8s.io, kind: InferencePool, name: p}])"));
  }
  void until(const std::function<bool()>& condition) {
    while (!condition()) EXPECT_EQ(ask("GET", "/ok").code, 200) << "others are served meanwhile";
  }
  void until_nothing_is_in_hand() {
    until([&] { return value_of(admin("/metrics"), "nacelle_gateway_active_requests") == 0; });
    EXPECT_EQ(value_of(admin("/metrics"), "nacelle_gateway_held_body_bytes"), 0);
  }
};

TEST_F(Http2Clients, RapidResetsFreeTheirUpstreamWorkAndEndTheConnection) {
  UntilGone engine;
  start_with(base_objects(), engine.handler());
  for (const char* path : {"/s", "/p"}) {
    // One that is at work while the others come and go.
    FramePeer peer(gateway_->port());
    peer.headers(1, request_fields("POST", path), false);
    peer.data(1, "{}", true);
    until([&] { return engine.asked > 0; });
    std::uint32_t stream = 3;
    bool open = true;
    for (; open && stream < 40'000; stream += 2) {
      open = peer.headers(stream, request_fields("POST", path)) &&
             peer.send(NGHTTP2_RST_STREAM, 0, stream, number32(NGHTTP2_CANCEL));
    }
    // The connection was ended as abusive: its first stream has ended with it.
    const auto away = peer.next(NGHTTP2_GOAWAY);
    if (away) {
      EXPECT_EQ(away->code(), std::uint32_t{NGHTTP2_ENHANCE_YOUR_CALM}) << path;
    }
    EXPECT_FALSE(peer.get(stream, "/ok").complete) << path;
    until([&] { return engine.asked == engine.cancelled; });
    until_nothing_is_in_hand();
    EXPECT_LT(engine.asked, 2000) << path << ": what was reset at once was hardly begun";
    engine.asked = engine.cancelled = 0;
  }
}

TEST_F(Http2Clients, ResetStreamsOfAPatientClientAreCancelledOneByOne) {
  UntilGone engine;
  start_with(base_objects(), engine.handler());
  FramePeer peer(gateway_->port());
  int expected = 0;
  std::uint32_t stream = 1;
  for (const char* path : {"/s", "/p"}) {
    for (const bool streams : {false, true}) {
      engine.streams = streams;
      peer.headers(stream, request_fields("POST", path), false);
      peer.data(stream, "{}", true);
      ++expected;
      if (streams) {
        EXPECT_TRUE(peer.next(NGHTTP2_DATA, stream));
      }
      until([&] { return engine.asked == expected; });
      peer.send(NGHTTP2_RST_STREAM, 0, stream, number32(NGHTTP2_CANCEL));
      until([&] { return engine.cancelled == expected; });
      stream += 2;
    }
  }
  EXPECT_EQ(peer.get(stream, "/ok").body, "ok") << "the connection goes on";
  until_nothing_is_in_hand();
}

TEST_F(Http2Clients, FloodsOfFramesEndTheForwardedStreamsToo) {
  UntilGone engine;
  engine.streams = true;
  start_with(base_objects(), engine.handler());
  struct Row {
    const char* says;
    std::function<bool(FramePeer&)> flood;  // one turn of it
  };
  const std::string block = header_block(request_fields("GET", "/ok"));
  bool begun = false;
  const std::vector<Row> rows = {
      {"PING", [](FramePeer& peer) { return peer.send(NGHTTP2_PING, 0, 0, "12345678"); }},
      {"SETTINGS", [](FramePeer& peer) { return peer.send(NGHTTP2_SETTINGS, 0, 0); }},
      {"CONTINUATION",
       [&](FramePeer& peer) {
         if (!std::exchange(begun, true)) peer.send(NGHTTP2_HEADERS, 0, 3, block);
         return peer.send(NGHTTP2_CONTINUATION, 0, 3, header_block({{"x-more", "1"}}));
       }},
      {"windows of a stream that overflow",
       [](FramePeer& peer) { return peer.window(0, 0x7FFF'FFFF); }},
  };
  for (const Row& row : rows) {
    SCOPED_TRACE(row.says);
    begun = false;
    FramePeer peer(gateway_->port());
    peer.headers(1, request_fields("POST", "/p"), false);
    peer.data(1, "{}", true);
    EXPECT_TRUE(peer.next(NGHTTP2_DATA, 1));
    int turns = 0;
    while (turns < 200'000 && row.flood(peer)) ++turns;
    EXPECT_LT(turns, 200'000);
    until([&] { return engine.asked == engine.cancelled; });
    until_nothing_is_in_hand();
  }
}

// ---- slow readers

TEST_F(Http2Clients, AClosedWindowStopsTheUpstreamsOfAllItsStreams) {
  constexpr double kBudget = 10 << 20;
  constexpr std::uint64_t kSocketBytes = 16u << 20;
  Flood flood;
  start_with(base_objects("  limits: {heldBodyBytes: 10Mi}"), flood.handler());
  for (const char* type : {"text/event-stream", "application/json"}) {
    flood.type = type;
    flood.written = 0;
    // No stream has a window: only heads leave.
    FramePeer peer(gateway_->port(), {{NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, 0}});
    std::uint32_t stream = 1;
    for (const char* path : {"/s", "/p", "/s", "/p"}) {
      peer.headers(stream, request_fields("POST", path));
      stream += 2;
    }
    std::uint64_t before = 0;
    double most = 0;
    for (int still = 0; still < 300;) {
      most = std::max(most, value_of(admin("/metrics"), "nacelle_gateway_held_body_bytes"));
      still = flood.running == 4 && flood.written == before ? still + 1 : 0;
      before = flood.written;
    }
    EXPECT_LE(most, kBudget) << type;
    EXPECT_LT(flood.written, 4 * (kSocketBytes + (9u << 20))) << type;
    // A little window lets a little through, to the stream that it is for.
    peer.window(1, 1000);
    std::size_t got = 0;
    while (got < 1000) {
      const auto data = peer.next(NGHTTP2_DATA);
      ASSERT_TRUE(data.has_value());
      EXPECT_EQ(data->stream, 1u);
      got += data->payload.size();
    }
    EXPECT_EQ(got, 1000u);
    peer.socket().close();
    until([&] { return flood.running == 0; });
    until_nothing_is_in_hand();
  }
}

TEST_F(Http2Clients, SlowReadersBehindTlsHoldNoMoreThanTheBudget) {
  constexpr double kBudget = 10 << 20;
  const TestCa ca;
  Flood flood;
  start_with(
      https_listener({"a"}, "  limits: {heldBodyBytes: 10Mi}") + secret("a", ca.issue({"a.test"})),
      flood.handler());
  for (const char* type : {"text/event-stream", "application/json"}) {
    flood.type = type;
    flood.written = 0;
    std::vector<std::unique_ptr<RawTlsClient>> readers;
    for (const char* path : {"/s", "/p", "/p"}) {
      net::testing::RawTlsOptions options;
      options.server_name = "a.test";
      readers.push_back(std::make_unique<RawTlsClient>(gateway_->port(), options));
      readers.back()->send(
          fmt::format("POST {} HTTP/1.1\r\nHost: a.test\r\nContent-Length: 2\r\n\r\n{{}}", path));
    }
    std::uint64_t before = 0;
    double most = 0;
    for (int still = 0; still < 300;) {
      most = std::max(most, value_of(admin("/metrics"), "nacelle_gateway_held_body_bytes"));
      still = flood.running == 3 && flood.written == before ? still + 1 : 0;
      before = flood.written;
    }
    EXPECT_LE(most, kBudget) << type;
    EXPECT_LT(flood.written, 3 * Flood::kBytes / 2) << type;
    readers.clear();
    while (flood.running > 0) (void)admin("/health");
    while (value_of(admin("/metrics"), "nacelle_gateway_held_body_bytes") > 0) {
    }
  }
}

}  // namespace
}  // namespace nacelle::gateway
