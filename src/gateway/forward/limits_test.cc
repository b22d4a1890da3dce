// limits_test.cc: each limit of GatewaySettings, reached by real clients.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>

#include "async/event.h"
#include "gateway/testing/fixture.h"
#include "net/testing/frame_peer.h"
#include "net/testing/raw_client.h"

namespace nacelle::gateway {
namespace {

using async::Task;
using net::http::ResponseHead;
using net::http::ServerExchange;
using net::testing::FieldList;
using net::testing::FramePeer;
using net::testing::RawClient;
using net::testing::request_fields;
using testing::base_objects;
using ::testing::HasSubstr;
using testing::pool;
using testing::route;
using testing::service;
using ::testing::StartsWith;

constexpr const char* kGet = "GET /a HTTP/1.1\r\nHost: x\r\n\r\n";

Task<void> answer_size(ServerExchange* exchange) {
  std::uint64_t size = 0;
  for (;;) {
    const auto piece = co_await exchange->read_chunk();
    if (!piece) co_return;
    if (piece->empty()) break;
    size += piece->size();
  }
  const ResponseHead head;
  (void)co_await exchange->respond(head, fmt::format("got {}", size));
}

// Answers when it is let go.
struct Gate {
  explicit Gate(async::Loop& loop) : open(loop) {}
  async::Event open;
  std::atomic<int> waiting{0};

  static Task<void> serve(Gate* gate, ServerExchange* exchange) {
    (void)co_await exchange->read_body(1 << 20);
    ++gate->waiting;
    (void)co_await gate->open.wait(std::chrono::steady_clock::now() + 20s);
    --gate->waiting;
    const ResponseHead head;
    (void)co_await exchange->respond(head, "late");
  }
  static Task<void> let_go(Gate* gate) {
    gate->open.set();
    co_return;
  }
};

struct Endless {
  std::atomic<int> running{0};

  static Task<void> serve(Endless* self, ServerExchange* exchange) {
    ++self->running;
    const ResponseHead head;
    (void)co_await exchange->start(head);
    const std::string chunk(64 << 10, 'x');
    Status written;
    while (written.ok()) written = co_await exchange->write(chunk);
    --self->running;
  }
};

class Limits : public testing::GatewayFixture {
 public:
  // A service "a" below /a, a pool "p" below /p.
  void start_with(const std::string& limits, const net::http::Handler& handler = {}) {
    const net::http::Handler own =
        handler ? handler : [](ServerExchange& exchange) { return answer_size(&exchange); };
    start(base_objects(limits.empty() ? "" : "  limits: {" + limits + "}") +
          service("a", {upstream(own)}) + pool("p", {upstream(own)}) + route("r", R"(
  - {matches: [{path: {value: /a}}], backendRefs: [{name: a, port: 80}]}
  - matches: [{path: {value: /p}}]
    backendRefs: [{group: inference.networking.k8s.io, kind: InferencePool, name: p}])"));
  }
  // Waits for what the gateway's own loop does; the test's bound is that of ctest.
  void until(const std::function<bool()>& condition) {
    while (!condition()) (void)admin("/health");
  }
  std::string status_line(const std::string& request) {
    RawClient client(gateway_->port());
    client.send(request);
    return client.read_until("\r\n");
  }
};

TEST_F(Limits, NoMoreRequestsAreInHandThanMaxRequests) {
  Gate gate(runtime_.loop(0));
  start_with("maxRequests: 2",
             [&gate](ServerExchange& exchange) { return Gate::serve(&gate, &exchange); });
  RawClient first(gateway_->port()), second(gateway_->port()), third(gateway_->port());
  first.send(kGet);
  second.send(kGet);
  until([&] { return gate.waiting == 2; });
  third.send(kGet);
  const std::string refused = third.read_response();
  EXPECT_THAT(refused, StartsWith("HTTP/1.1 503 "));
  EXPECT_THAT(refused, HasSubstr("retry-after: "));
  EXPECT_EQ(gate.waiting, 2) << "no endpoint saw it";
  EXPECT_THAT(admin("/metrics"), HasSubstr("refused_total{reason=\"overload\"} 1\n"));
  async::run_blocking(runtime_.loop(0), Gate::let_go(&gate));
  EXPECT_THAT(first.read_response(), StartsWith("HTTP/1.1 200 "));
  EXPECT_THAT(second.read_response(), StartsWith("HTTP/1.1 200 "));
  third.send(kGet);
  EXPECT_THAT(third.read_response(), StartsWith("HTTP/1.1 200 ")) << "on the same connection";
}

TEST_F(Limits, NoMoreConnectionsAreOpenThanMaxConnections) {
  start_with("maxConnections: 2");
  const auto answers = [](RawClient& client) {
    return client.send(kGet) && client.read_response().starts_with("HTTP/1.1 200 ");
  };
  RawClient first(gateway_->port()), second(gateway_->port());
  EXPECT_TRUE(answers(first));
  EXPECT_TRUE(answers(second));
  RawClient third(gateway_->port());
  EXPECT_THAT(third.read_to_end(), StartsWith("HTTP/1.1 503 "));
  EXPECT_TRUE(answers(first)) << "who was there before goes on";
  second.close();
  until([&] {
    RawClient fourth(gateway_->port());
    return answers(fourth);
  });
}

TEST_F(Limits, HeadsBeyondHeadBytesOrHeadFieldsGet431) {
  start_with("headBytes: 2Ki, headFields: 6");
  const auto with = [](const std::string& fields) {
    return "GET /a HTTP/1.1\r\nHost: x\r\n" + fields + "\r\n";
  };
  EXPECT_THAT(status_line(with("x-big: " + std::string(1500, 'a') + "\r\n")),
              StartsWith("HTTP/1.1 200 "));
  EXPECT_THAT(status_line(with("x-big: " + std::string(3000, 'a') + "\r\n")),
              StartsWith("HTTP/1.1 431 "));
  std::string few, many;
  for (int i = 0; i < 5; ++i) few += fmt::format("x-{}: 1\r\n", i);
  for (int i = 0; i < 6; ++i) many += fmt::format("x-{}: 1\r\n", i);
  EXPECT_THAT(status_line(with(few)), StartsWith("HTTP/1.1 200 "));
  EXPECT_THAT(status_line(with(many)), StartsWith("HTTP/1.1 431 "));

  FramePeer peer(gateway_->port());
  FieldList big = request_fields("GET", "/a"), numerous = big;
  big.emplace_back("x-big", std::string(3000, 'a'));
  for (int i = 0; i < 10; ++i) numerous.emplace_back(fmt::format("x-{}", i), "1");
  peer.headers(1, big);
  EXPECT_EQ(peer.response(1).field(":status"), "431");
  peer.headers(3, numerous);
  EXPECT_EQ(peer.response(3).field(":status"), "431");
  EXPECT_EQ(peer.get(5, "/a").field(":status"), "200");
}

TEST_F(Limits, AnIdleConnectionEndsAfterIdleTimeout) {
  start_with("idleTimeout: 50ms");
  RawClient client(gateway_->port());
  client.send(kGet);
  EXPECT_THAT(client.read_response(), StartsWith("HTTP/1.1 200 "));
  EXPECT_EQ(client.read_to_end(), "");
  EXPECT_FALSE(client.was_reset()) << "it ends in order";
  FramePeer peer(gateway_->port());
  EXPECT_EQ(peer.get(1, "/a").field(":status"), "200");
  const auto away = peer.next(NGHTTP2_GOAWAY);
  ASSERT_TRUE(away.has_value());
  EXPECT_EQ(away->code(), NGHTTP2_NO_ERROR);
}

TEST_F(Limits, AClientThatStopsReadingIsGivenUpAfterWriteTimeout) {
  Endless endless;
  start_with("writeTimeout: 100ms",
             [&endless](ServerExchange& exchange) { return Endless::serve(&endless, &exchange); });
  RawClient client(gateway_->port(), 4096);
  client.send(kGet);
  EXPECT_THAT(client.read_until("\r\n"), StartsWith("HTTP/1.1 200 "));
  until([&] { return endless.running == 0; });  // the upstream is let go of, too
  client.read_to_end();
  // Over HTTP/2 a closed window is the same.
  FramePeer peer(gateway_->port());
  peer.headers(1, request_fields("GET", "/a"));
  EXPECT_TRUE(peer.next(NGHTTP2_HEADERS, 1));
  const auto reset = peer.next(NGHTTP2_RST_STREAM, 1);
  EXPECT_TRUE(reset.has_value());
  until([&] { return endless.running == 0; });
  EXPECT_THAT(admin("/metrics"), HasSubstr("nacelle_gateway_active_requests 0\n"));
  stop();
}

TEST_F(Limits, ABodyOf50MiBIsTakenAndNoByteMoreByDefault) {
  constexpr std::size_t kMost = std::size_t{50} << 20;
  start_with("");
  for (const char* path : {"/a", "/p"}) {
    const auto head = [&](const std::string& framing) {
      return fmt::format("POST {} HTTP/1.1\r\nHost: x\r\n{}\r\n\r\n", path, framing);
    };
    EXPECT_THAT(status_line(head(fmt::format("Content-Length: {}", kMost + 1))),
                StartsWith("HTTP/1.1 413 "))
        << path << ": nothing of it is read";
    RawClient client(gateway_->port());
    client.send(head(fmt::format("Content-Length: {}", kMost)));
    ASSERT_TRUE(client.send(std::string(kMost, 'x'))) << path;
    EXPECT_THAT(client.read_response(), HasSubstr(fmt::format("got {}", kMost))) << path;
    RawClient chunked(gateway_->port());
    chunked.send(head("Transfer-Encoding: chunked"));
    const std::string piece = "100000\r\n" + std::string(1 << 20, 'x') + "\r\n";
    for (int i = 0; i < 51 && chunked.send(piece); ++i) {
    }
    EXPECT_THAT(chunked.read_until("\r\n"), StartsWith("HTTP/1.1 413 ")) << path;
  }
  EXPECT_THAT(admin("/metrics"), HasSubstr("nacelle_gateway_held_body_bytes 0\n"));
}

}  // namespace
}  // namespace nacelle::gateway
