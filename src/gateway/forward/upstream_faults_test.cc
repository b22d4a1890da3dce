// upstream_faults_test.cc: upstreams that talk nonsense, leave half-way, or say that they are full.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>

#include <sys/socket.h>

#include "gateway/testing/fixture.h"
#include "net/testing/raw_server.h"

namespace nacelle::gateway {
namespace {

using async::Task;
using net::http::ResponseHead;
using net::http::ServerExchange;
using net::testing::RawServer;
using testing::Answer;
using testing::base_objects;
using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::Not;
using testing::policy;
using testing::pool;
using testing::ResettingServer;
using testing::route;
using testing::service;
using ::testing::StartsWith;

constexpr const char* kToService = R"(
  - {backendRefs: [{name: s, port: 80}]})";
constexpr const char* kToPool = R"(
  - {backendRefs: [{group: inference.networking.k8s.io, kind: InferencePool, name: p}]})";

std::string no_ejection() {
  return policy("{kind: Service, name: s}", "  traffic: {outlierDetection: {enabled: false}}");
}

class UpstreamFaults : public testing::GatewayFixture {};

// ---- nonsense

struct Garbage {
  const char* says;
  std::string text;
};

std::vector<Garbage> garbage() {
  const std::string ok = "HTTP/1.1 200 OK\r\n";
  const std::string chunked = ok + "transfer-encoding: chunked\r\n\r\n";
  std::string many = ok;
  for (int i = 0; i < 300; ++i) many += fmt::format("x-{}: 1\r\n", i);
  return {
      {"a status line without a number", "HTTP/1.1 abc OK\r\ncontent-length: 2\r\n\r\nok"},
      {"a status of two digits", "HTTP/1.1 20 OK\r\ncontent-length: 2\r\n\r\nok"},
      {"another protocol", "ICY 200 OK\r\n\r\nok"},
      {"a request in the place of an answer", "GET / HTTP/1.1\r\nHost: x\r\n\r\n"},
      {"two lengths", ok + "content-length: 2\r\ncontent-length: 3\r\n\r\nokk"},
      {"a length that is none", ok + "content-length: 0x2\r\n\r\nok"},
      {"length and chunks", ok + "content-length: 2\r\ntransfer-encoding: chunked\r\n\r\nok"},
      {"an unknown coding", ok + "transfer-encoding: gzip\r\n\r\nok"},
      {"a folded field", ok + "x: a\r\n b\r\ncontent-length: 2\r\n\r\nok"},
      {"NUL in a value", ok + std::string("x: a\0b\r\n", 8) + "content-length: 2\r\n\r\nok"},
      {"a head of 100 KB", ok + "x: " + std::string(100'000, 'a') + "\r\n\r\nok"},
      {"300 fields", many + "\r\nok"},
      {"interim answers without end",
       [] {
         std::string text;
         for (int i = 0; i < 3000; ++i) text += "HTTP/1.1 103 Early Hints\r\n\r\n";
         return text;
       }()},
      {"a chunk size that is none", chunked + "xyz\r\nok\r\n0\r\n\r\n"},
      {"a chunk size that overflows", chunked + "fffffffffffffffff\r\nok\r\n0\r\n\r\n"},
      {"a chunk longer than its size", chunked + "1\r\nok\r\n0\r\n\r\n"},
      {"a chunk without its line end", chunked + "2\r\nok0\r\n\r\n"},
      {"a last chunk that is missing", chunked + "2\r\nok\r\n"},
      {"a body shorter than its length", ok + "content-length: 20\r\n\r\nok"},
      {"nothing at all", ""},
  };
}

TEST_F(UpstreamFaults, NonsenseOfAnEngineIsMadeGoodByAnother) {
  const std::vector<Garbage> rows = garbage();
  std::atomic<std::size_t> asked{0};
  ResettingServer bad([&](std::size_t n) {
    asked = n + 1;
    return rows[n % rows.size()].text;
  });
  const std::string good = upstream([](ServerExchange& exchange) {
    struct Step {
      static Task<void> serve(ServerExchange* e) {
        (void)co_await e->read_body(100);
        const ResponseHead head;
        (void)co_await e->respond(head, "rescued");
      }
    };
    return Step::serve(&exchange);
  });
  start(base_objects() + pool("p", {bad.address()}) + pool("good", {good}) + route("r", R"(
  - backendRefs:
    - {group: inference.networking.k8s.io, kind: InferencePool, name: p}
    - {group: inference.networking.k8s.io, kind: InferencePool, name: good})") +
        policy("{group: gateway.networking.k8s.io, kind: HTTPRoute, name: r}",
               "  priorities: [{backend: good, priority: 1}]"));
  for (const Garbage& row : rows) {
    const Answer answer = ask("POST", "/v1/completions", {}, "{}");
    EXPECT_EQ(answer.code, 200) << row.says;
    EXPECT_EQ(answer.body, "rescued") << row.says;
  }
  EXPECT_EQ(asked, rows.size());
}

TEST_F(UpstreamFaults, NonsenseOfAServiceNeverLooksLikeAnAnswer) {
  const std::vector<Garbage> rows = garbage();
  ResettingServer bad([&](std::size_t n) { return rows[n % rows.size()].text; });
  start(base_objects() + service("s", {bad.address()}) + route("r", kToService) + no_ejection());
  for (const Garbage& row : rows) {
    const Answer answer = ask("GET", "/");
    if (answer.code == 200) {
      EXPECT_FALSE(answer.status.ok()) << row.says << ": " << answer.body;
    } else {
      EXPECT_EQ(answer.code, 503) << row.says;
    }
  }
  EXPECT_THAT(admin("/metrics"), HasSubstr("nacelle_gateway_active_requests 0\n"));
}

// A peer that answers what nobody asked would otherwise answer the next client.
TEST_F(UpstreamFaults, WhatFollowsAnAnswerIsNobodysAnswer) {
  std::atomic<int> connections{0};
  RawServer server([&](RawServer::Peer& peer) {
    ++connections;
    while (!peer.read_until("\r\n\r\n").empty()) {
      peer.send(
          "HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\nmine"
          "HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\nevil");
    }
  });
  const testing::StopsFirst order(*this);
  start(base_objects() + service("s", {fmt::format("127.0.0.1:{}", server.port())}) +
        route("r", kToService));
  for (int i = 0; i < 4; ++i) EXPECT_EQ(ask("GET", "/").body, "mine");
  EXPECT_EQ(connections, 4) << "a connection with bytes too many is not used again";
}

// ---- resets

constexpr const char* kEvents =
    "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"
    "9\r\ndata: 1\n\n\r\n12\r\ndata: 2\n\ndata: 3\n\n\r\ne\r\ndata: [DONE]\n\n\r\n0\r\n\r\n";
constexpr const char* kWhole = "data: 1\n\ndata: 2\n\ndata: 3\n\ndata: [DONE]\n\n";

TEST_F(UpstreamFaults, AStreamResetAtAnyByteIsWholeOrSaysThatItIsNot) {
  const std::string wire = kEvents;
  ResettingServer bad([&](std::size_t n) { return wire.substr(0, n % (wire.size() + 1)); });
  start(base_objects("  limits: {maxAttempts: 1}") + pool("p", {bad.address()}) +
        route("r", kToPool));
  const std::string whole = kWhole;
  int broken = 0, told = 0;
  for (std::size_t i = 0; i <= wire.size(); ++i) {
    const Answer answer = ask("POST", "/v1/completions", {}, R"({"stream":true})");
    if (answer.code != 200) {
      EXPECT_EQ(answer.code, 503) << i;
      continue;
    }
    const std::size_t error = answer.body.find("data: {\"error\"");
    const std::string events = answer.body.substr(0, error);
    EXPECT_THAT(whole, StartsWith(events)) << i << " shows what never came";
    if (error != std::string::npos) {
      ++told;
      EXPECT_TRUE(answer.status.ok()) << i;
      EXPECT_TRUE(events.empty() || events.ends_with("\n\n")) << i << ": " << answer.body;
      EXPECT_THAT(answer.body, EndsWith("data: [DONE]\n\n")) << i;
    } else if (answer.status.ok()) {
      EXPECT_EQ(answer.body, whole) << i << " is incomplete and does not say so";
    } else {
      ++broken;
    }
  }
  EXPECT_GT(told, 0);
  EXPECT_GT(broken, 0) << "inside an event only the connection can tell";
  EXPECT_THAT(admin("/metrics"), HasSubstr("nacelle_gateway_active_requests 0\n"));
}

TEST_F(UpstreamFaults, AChunkedAnswerResetAtAnyByteNeverLooksComplete) {
  const std::string wire =
      "HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\ntransfer-encoding: chunked\r\n\r\n"
      "5\r\nhello\r\n6\r\n world\r\n0\r\n\r\n";
  ResettingServer bad([&](std::size_t n) { return wire.substr(0, n % (wire.size() + 1)); });
  start(base_objects() + service("s", {bad.address()}) + route("r", kToService) + no_ejection());
  for (std::size_t i = 0; i <= wire.size(); ++i) {
    const Answer answer = ask("GET", "/");
    if (answer.status.ok() && answer.code == 200) {
      EXPECT_EQ(answer.body, "hello world") << i;
      EXPECT_EQ(i, wire.size()) << i;
    }
  }
}

// ---- half-closed by the upstream

TEST_F(UpstreamFaults, AnUpstreamThatHasSentAllMayEndItsSide) {
  const std::vector<std::string> texts = {
      "HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\nmine",
      "HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\nmine",
      "HTTP/1.1 200 OK\r\n\r\nuntil the end",
      "HTTP/1.1 413 Content Too Large\r\ncontent-length: 3\r\n\r\nbig",
      "HTTP/1.1 200 OK\r\ncontent-length: 40\r\n\r\nmine",
      ""};
  std::atomic<std::size_t> connections{0};
  RawServer server([&](RawServer::Peer& peer) {
    if (peer.read_until("\r\n\r\n").empty()) return;
    peer.send(texts[connections++ % texts.size()]);
    (void)::shutdown(peer.fd(), SHUT_WR);
    peer.read_to_end();  // until the gateway lets go of it
  });
  const testing::StopsFirst order(*this);
  start(base_objects() + service("s", {fmt::format("127.0.0.1:{}", server.port())}) +
        route("r", kToService) + no_ejection());
  EXPECT_EQ(ask("GET", "/").body, "mine");
  EXPECT_EQ(ask("GET", "/").body, "mine") << "on a connection of its own";
  EXPECT_EQ(ask("GET", "/").body, "until the end");
  // An answer before the request's end: the rest of the upload is not wanted.
  const Answer early = ask("POST", "/", {}, std::string(8 << 20, 'x'));
  EXPECT_EQ(early.code, 413);
  EXPECT_EQ(early.body, "big");
  const Answer cut = ask("GET", "/");
  EXPECT_FALSE(cut.code == 200 && cut.status.ok()) << "an end before the answer's end is a break";
  EXPECT_EQ(ask("GET", "/").code, 503);
  EXPECT_EQ(connections, texts.size());
}

// ---- engines that are full

struct Full {
  int status = 200;
  std::string retry_after;
  int calls = 0;

  static Task<void> serve(Full* full, ServerExchange* exchange) {
    (void)co_await exchange->read_body(1 << 20);
    ++full->calls;
    ResponseHead head;
    head.status = full->status;
    if (!full->retry_after.empty()) head.headers.add("retry-after", full->retry_after);
    (void)co_await exchange->respond(head, fmt::format("status {}", full->status));
  }
  net::http::Handler handler() {
    return [this](ServerExchange& exchange) { return serve(this, &exchange); };
  }
};

TEST_F(UpstreamFaults, AnEnginesRetryAfterReachesTheClient) {
  Full first, second;
  const std::string objects =
      base_objects() + pool("p", {upstream(first.handler()), upstream(second.handler())});
  start(objects + route("r", kToPool));
  const auto post = [&] { return ask("POST", "/v1/completions", {}, "{}"); };
  // 429 is about this client, not about this engine: nobody else is asked.
  first.status = second.status = 429;
  first.retry_after = second.retry_after = "30";
  const Answer limited = post();
  EXPECT_EQ(limited.code, 429);
  EXPECT_EQ(limited.headers.get("retry-after"), "30");
  EXPECT_EQ(limited.body, "status 429");
  EXPECT_EQ(first.calls + second.calls, 1);
  // 503 is about the engine: the others are asked, and the last answer is given as it is.
  first.status = second.status = 503;
  first.retry_after = second.retry_after = "Fri, 31 Dec 2027 23:59:59 GMT";
  const Answer busy = post();
  EXPECT_EQ(busy.code, 503);
  EXPECT_EQ(busy.headers.get("retry-after"), "Fri, 31 Dec 2027 23:59:59 GMT");
  EXPECT_EQ(first.calls + second.calls, 3);
  first.status = 200;
  EXPECT_EQ(post().code, 200);
  EXPECT_EQ(post().code, 200);
}

TEST_F(UpstreamFaults, ARuleMayAskAgainAfterWhatAnEngineAskedFor) {
  Full engine;
  start(base_objects() + pool("p", {upstream(engine.handler())}) + route("r", R"(
  - backendRefs: [{group: inference.networking.k8s.io, kind: InferencePool, name: p}]
    retry: {codes: [429], attempts: 2, backoff: 1ms})"));
  engine.status = 429;
  engine.retry_after = "0";
  const Answer soon = ask("POST", "/v1/completions", {}, "{}");
  EXPECT_EQ(soon.code, 429);
  EXPECT_EQ(soon.headers.get("retry-after"), "0") << "the last answer is told as it came";
  EXPECT_EQ(engine.calls, 3);
  engine.status = 503;  // the rule does not name it
  EXPECT_EQ(ask("POST", "/v1/completions", {}, "{}").code, 503);
  EXPECT_EQ(engine.calls, 4);
}

}  // namespace
}  // namespace nacelle::gateway
