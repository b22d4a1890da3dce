// client_faults_test.cc: clients that are slow, half gone, or hostile, and those beside them.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <mutex>

#include "gateway/testing/engines.h"
#include "gateway/testing/fixture.h"
#include "net/testing/frame_peer.h"
#include "net/testing/raw_client.h"
#include "net/testing/raw_server.h"

namespace nacelle::gateway {
namespace {

using async::Task;
using net::http::ResponseHead;
using net::http::ServerExchange;
using net::testing::FieldList;
using net::testing::FramePeer;
using net::testing::RawClient;
using net::testing::RawServer;
using net::testing::request_fields;
using testing::Answer;
using testing::base_objects;
using ::testing::EndsWith;
using testing::Flood;
using ::testing::HasSubstr;
using ::testing::Not;
using testing::pool;
using testing::route;
using testing::service;
using ::testing::StartsWith;
using testing::value_of;

Task<void> answer_size(ServerExchange& exchange) {
  const auto body = co_await exchange.read_body(64 << 20);
  const ResponseHead head;
  (void)co_await exchange.respond(head, fmt::format("got {}", body ? body->size() : 0));
}

std::string pool_rule(const std::string& path, const std::string& name) {
  return fmt::format(
      "\n  - {{matches: [{{path: {{value: {}}}}}], backendRefs: [{{group: "
      "inference.networking.k8s.io, kind: InferencePool, name: {}}}]}}",
      path, name);
}

class ClientFaults : public testing::GatewayFixture {
 public:
  // A service "a" below /a, a pool "p" below /p; both say how much they got.
  void start_both(const std::string& settings, const net::http::Handler& handler = answer_size) {
    start(base_objects(settings) + service("a", {upstream(handler)}) +
          pool("p", {upstream(handler)}) +
          route("r", "\n  - {matches: [{path: {value: /a}}], backendRefs: [{name: a, port: 80}]}" +
                         pool_rule("/p", "p")));
  }

  // Sends `text` byte by byte, a whole request of another client between each two.
  void trickle(RawClient& slow, std::string_view text) {
    for (const char byte : text) {
      if (!slow.send({&byte, 1})) return;
      ASSERT_EQ(ask("POST", "/p", {}, "{}").code, 200) << "others are served meanwhile";
    }
  }
};

TEST_F(ClientFaults, AHeadThatTricklesIsCutOff) {
  start_both("  limits: {headTimeout: 40ms}");
  RawClient slow(gateway_->port());
  trickle(slow, "GET /a HTTP/1.1\r\nHost: x\r\nx-slow: aaaaa");
  const std::string answer = slow.read_to_end();
  EXPECT_THAT(answer, StartsWith("HTTP/1.1 408 "));
  EXPECT_THAT(answer, HasSubstr("connection: close"));
  EXPECT_THAT(answer, HasSubstr(R"("code":408)")) << "in the dialect of our errors";
  RawClient silent(gateway_->port());
  EXPECT_EQ(silent.read_to_end(), "") << "who says nothing is told nothing";
  EXPECT_EQ(ask("GET", "/a").code, 200);
}

TEST_F(ClientFaults, ABodyThatTricklesIsCutOffWhetherHeldOrPassedOn) {
  // At this rate what comes buys no time: only the sum of the waits counts.
  start_both("  limits: {bodyTimeout: 40ms, bodyRate: 1000000000}");
  for (const char* path : {"/a", "/p"}) {
    RawClient slow(gateway_->port());
    slow.send(fmt::format("POST {} HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000\r\n\r\n", path));
    trickle(slow, "{\"model\":\"m\",");
    const std::string answer = slow.read_to_end();
    EXPECT_THAT(answer, StartsWith("HTTP/1.1 408 ")) << path;
    EXPECT_THAT(answer, HasSubstr("connection: close")) << path;
  }
  // Over HTTP/2 the stream is answered and the connection goes on.
  FramePeer peer(gateway_->port());
  peer.headers(1, request_fields("POST", "/p"), false);
  peer.data(1, "{");
  EXPECT_EQ(peer.response(1).field(":status"), "408");
  EXPECT_EQ(peer.get(3, "/a").field(":status"), "200");
  EXPECT_THAT(admin("/metrics"), HasSubstr("nacelle_gateway_held_body_bytes 0\n"));
  EXPECT_THAT(admin("/metrics"), HasSubstr("nacelle_gateway_active_requests 0\n"));
}

// ---- HTTP/2 towards clients, HTTP/1.1 towards upstreams

// Keeps each request as it came over the wire; chunked bodies and lengths are both read.
class Recorder {
 public:
  Recorder() : server_([this](RawServer::Peer& peer) { serve(peer); }) {}
  [[nodiscard]] std::string address() const { return fmt::format("127.0.0.1:{}", server_.port()); }
  std::vector<std::string> take() {
    const std::lock_guard lock(mutex_);
    return std::exchange(requests_, {});
  }

 private:
  void serve(RawServer::Peer& peer) {
    for (;;) {
      std::string request = peer.read_until("\r\n\r\n");
      if (request.empty()) return;
      if (request.find("transfer-encoding: chunked") != std::string::npos)
        request += peer.read_until("\r\n0\r\n\r\n");
      if (request.find("content-length: 5\r\n") != std::string::npos)
        request += peer.read_until("!");
      {
        const std::lock_guard lock(mutex_);
        requests_.push_back(std::move(request));
      }
      peer.send("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok");
    }
  }
  std::mutex mutex_;
  std::vector<std::string> requests_;  // guarded
  RawServer server_;
};

FieldList with(FieldList fields, std::string name, std::string value) {
  fields.emplace_back(std::move(name), std::move(value));
  return fields;
}

TEST_F(ClientFaults, NothingOfAnHttp2HeadBecomesFramingOfAnHttp1Request) {
  Recorder upstream;
  const testing::StopsFirst order(*this);
  start(base_objects() + service("a", {upstream.address()}) + route("r", R"(
  - {backendRefs: [{name: a, port: 80}]})"));
  const FieldList get = request_fields("GET", "/ok");
  const FieldList post = request_fields("POST", "/ok");
  struct Row {
    const char* says;
    FieldList fields;
    std::string body;  // "" = the head ends the stream
    bool passes = false;
  };
  const auto path = [&](std::string value) {
    FieldList fields = get;
    fields[3].second = std::move(value);
    return fields;
  };
  const std::string evil = "\r\n\r\nGET /evil HTTP/1.1\r\nHost: x\r\n\r\n";
  const std::vector<Row> rows = {
      {"a plain one", with(get, "x-mine", "1"), "", true},
      {"a request behind a value", with(get, "x-mine", "1" + evil), ""},
      {"LF in a value", with(get, "x-mine", "1\nevil: 1"), ""},
      {"CR in a value", with(get, "x-mine", "1\revil: 1"), ""},
      {"NUL in a value", with(get, "x-mine", std::string("1\0evil", 6)), ""},
      {"a line in a name", with(get, "x-mine: 1\r\nevil", "1"), ""},
      {"a colon in a name", with(get, "x-mine:evil", "1"), ""},
      {"transfer-encoding", with(post, "transfer-encoding", "chunked"), "0" + evil},
      {"connection names a field", with(with(get, "connection", "x-mine"), "x-mine", "1"), ""},
      {"upgrade", with(get, "upgrade", "h2c"), ""},
      {"a request behind the path", path("/ok HTTP/1.1" + evil), ""},
      {"a space in the path", path("/ok evil"), ""},
      {"a path of another host", path("http://evil/"), ""},
      {"a body longer than its length", with(post, "content-length", "5"), "four!" + evil},
      {"a body shorter than its length", with(post, "content-length", "500"), "four!"},
      {"a length without a body", with(post, "content-length", "5"), ""},
      {"two lengths", with(with(post, "content-length", "5"), "content-length", "0"), "four!"},
      {"a list of lengths", with(post, "content-length", "5, 5"), "four!"},
      {"a body of its length", with(post, "content-length", "5"), "four!", true},
      {"a request in a body of unknown length", post, "x" + evil, true},
  };
  FramePeer peer(gateway_->port());
  std::uint32_t stream = 1;
  for (const Row& row : rows) {
    peer.headers(stream, row.fields, row.body.empty());
    if (!row.body.empty()) peer.data(stream, row.body, true);
    const auto response = peer.response(stream);
    const auto seen = upstream.take();
    if (row.passes) {
      EXPECT_EQ(response.field(":status"), "200") << row.says;
      ASSERT_EQ(seen.size(), 1u) << row.says;
      EXPECT_THAT(seen[0], StartsWith(row.fields[0].second + " /ok HTTP/1.1\r\n")) << row.says;
    } else {
      EXPECT_NE(response.field(":status"), "200") << row.says;
      // A body that turns out wrong only at its end was begun; the upstream saw no whole request.
      EXPECT_TRUE(seen.empty()) << row.says << ": " << seen.front();
    }
    stream += 2;
  }
  EXPECT_EQ(peer.get(stream, "/ok").field(":status"), "200");
  EXPECT_EQ(upstream.take().size(), 1u);
}

// ---- headers that only we may set

TEST_F(ClientFaults, AClientDoesNotChooseItsEndpointNorLearnIt) {
  struct Answering {
    static Task<void> serve(std::string name, ServerExchange* exchange) {
      std::string fields;
      for (const auto& field : exchange->request().headers) fields += std::string(field.name) + " ";
      ResponseHead head;
      head.headers.add("x-gateway-destination-endpoint-served", "10.0.0.1:1");
      (void)co_await exchange->respond(head, name + ": " + fields);
    }
  };
  const auto named = [this](const std::string& name) {
    return upstream([name](ServerExchange& exchange) { return Answering::serve(name, &exchange); });
  };
  const std::string other = named("other");
  start(base_objects() + pool("p", {named("mine")}) + pool("q", {other}) +
        route("r", pool_rule("/p", "p") + pool_rule("/q", "q")));
  for (const char* name :
       {"x-gateway-destination-endpoint", "X-Gateway-Destination-Endpoint-Subset",
        "x-gateway-destination-endpoint-served", "x-prefiller-host-port",
        "x-ai-eg-upstream-host"}) {
    const Answer answer = ask("POST", "/p", {{name, other}}, "{}");
    EXPECT_THAT(answer.body, StartsWith("mine: ")) << name;
    std::string lower(name);
    std::transform(lower.begin(), lower.end(), lower.begin(), ::tolower);
    EXPECT_THAT(answer.body, Not(HasSubstr(lower + " "))) << name;
    EXPECT_FALSE(answer.headers.contains("x-gateway-destination-endpoint-served"));
  }
}

TEST_F(ClientFaults, FiltersAndPathsPutNoLineIntoAnotherMessage) {
  Recorder upstream;
  const testing::StopsFirst order(*this);
  start(base_objects() + service("a", {upstream.address()}) + route("r", R"(
  - matches: [{path: {value: /in}}]
    filters: [{type: URLRewrite, urlRewrite: {path: {type: ReplacePrefixMatch, replacePrefixMatch: /out}}}]
    backendRefs: [{name: a, port: 80}]
  - matches: [{path: {value: /go}}]
    filters: [{type: RequestRedirect, requestRedirect: {hostname: other.example, path: {type: ReplacePrefixMatch, replacePrefixMatch: /there}}}])"));
  const std::string coded = "/%0d%0aevil:%201%0d%0a%0d%0aGET%20/evil";
  EXPECT_EQ(ask("GET", "/in" + coded + "?q=%0d%0aevil").code, 200);
  const auto seen = upstream.take();
  ASSERT_EQ(seen.size(), 1u);
  EXPECT_THAT(seen[0], StartsWith("GET /out" + coded + "?q=%0d%0aevil HTTP/1.1\r\n"));
  EXPECT_THAT(seen[0], Not(HasSubstr("\nevil")));
  const Answer moved = ask("GET", "/go" + coded);
  EXPECT_EQ(moved.code, 302);
  EXPECT_THAT(std::string(moved.headers.get("location")), EndsWith("/there" + coded));
  EXPECT_FALSE(moved.headers.contains("evil"));
}

// ---- memory

TEST_F(ClientFaults, SlowReadersOfLargeAnswersHoldNoMoreThanTheBudget) {
  constexpr const char* kGauge = "nacelle_gateway_held_body_bytes";
  constexpr std::uint64_t kSocketBytes = 16u << 20;  // what kernels keep between each pair
  constexpr double kBudget = 10 << 20;
  for (const char* type : {"text/event-stream", "application/json"}) {
    Flood flood;
    flood.type = type;
    start(base_objects("  limits: {heldBodyBytes: 10Mi}") + pool("p", {upstream(flood.handler())}) +
          route("r", pool_rule("/p", "p")));
    std::vector<std::unique_ptr<RawClient>> readers;
    for (int i = 0; i < 4; ++i) {
      readers.push_back(std::make_unique<RawClient>(gateway_->port(), 4096));
      readers.back()->send("POST /p HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n{}");
    }
    // All upstreams have stopped when nothing moved over many turns of the loop.
    std::uint64_t before = 0;
    double most = 0;
    for (int still = 0; still < 300;) {
      const double held = value_of(admin("/metrics"), kGauge);
      ASSERT_GE(held, 0);
      most = std::max(most, held);
      still = flood.running == 4 && flood.written == before ? still + 1 : 0;
      before = flood.written;
    }
    EXPECT_LE(most, kBudget) << type;
    EXPECT_LE(flood.written, 4 * (kSocketBytes + (9u << 20))) << type;
    EXPECT_LT(flood.written, 4 * Flood::kBytes) << type;
    readers.clear();  // they leave: what was held is free
    while (flood.running > 0) (void)admin("/health");
    for (int i = 0; i < 1000 && value_of(admin("/metrics"), kGauge) > 0; ++i) {
    }
    EXPECT_EQ(value_of(admin("/metrics"), kGauge), 0) << type;
    stop();
  }
}

}  // namespace
}  // namespace nacelle::gateway
