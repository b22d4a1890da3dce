// The HTTP/2 server against a peer that writes its frames by hand.
#include <atomic>
#include <future>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "async/event.h"
#include "net/http/server.h"
#include "net/testing/frame_peer.h"
#include "net/testing/server_fixture.h"

namespace nacelle::net::http {
namespace {

using ::testing::EndsWith;
using testing::FieldList;
using testing::Frame;
using testing::FramePeer;
using testing::number32;
using testing::RawClient;
using testing::request_fields;
using testing::ServerFixture;
using ::testing::StartsWith;

const ResponseHead kPlain;  // named, see async/task.h

// Answers "<method> <target> <host> <body> <trailers>".
async::Task<void> echo(ServerExchange& exchange) {
  Result<std::string> body = co_await exchange.read_body(1 << 24);
  ResponseHead head;
  if (!body.ok()) co_return;
  std::string text = exchange.request().method + " " + exchange.request().target + " " +
                     std::string(exchange.request().host()) + " " + *body;
  for (const auto& field : exchange.request_trailers()) {
    text.append(" ").append(field.name).append("=").append(field.value);
  }
  (void)co_await exchange.respond(head, text);
}

FieldList with(FieldList fields, std::string name, std::string value) {
  fields.emplace_back(std::move(name), std::move(value));
  return fields;
}

TEST(Http2Server, AnswersRequestsOfOneConnection) {
  ServerFixture server(echo);
  FramePeer peer(server.port());
  const auto first = peer.get(1, "/a?b=c");
  EXPECT_EQ(first.field(":status"), "200");
  EXPECT_EQ(first.field("content-length"), "13");
  EXPECT_NE(first.field("date"), "");
  EXPECT_EQ(first.body, "GET /a?b=c x ");
  peer.headers(3, request_fields("POST", "/p"), false);
  peer.data(3, "hel");
  peer.data(3, "lo", true);
  EXPECT_EQ(peer.response(3).body, "POST /p x hello");
  EXPECT_EQ(server.server().stats().connections_accepted, 1u);
  EXPECT_EQ(server.server().stats().requests, 2u);
}

TEST(Http2Server, FindsThePrefaceByteByByteAndStillServesHttp1) {
  ServerFixture server(echo);
  RawClient slow(server.port());
  const std::string request =
      "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + testing::frame_bytes(4, 0, 0, "") +
      testing::frame_bytes(1, 5, 1, testing::header_block(request_fields()));
  for (char c : request) slow.send({&c, 1});
  EXPECT_EQ(slow.read_exactly(9).substr(3, 1), std::string(1, '\4'));  // its SETTINGS
  RawClient old(server.port());
  old.send("PRINT / HTTP/1.1\r\nHost: x\r\n\r\n");
  EXPECT_THAT(old.read_response(), EndsWith("PRINT / x "));
  RawClient wrong(server.port());
  wrong.send("PRI * HTTP/2.0\r\n\r\nXX");
  EXPECT_THAT(wrong.read_to_end(), StartsWith("HTTP/1.1 505"));
}

async::Task<void> answer_with_trailers(ServerExchange& exchange) {
  const ResponseHead head;
  (void)co_await exchange.start(head);
  (void)co_await exchange.write("one");
  const Headers trailers{{"grpc-status", "0"}, {"X-Upper", "v"}};
  (void)co_await exchange.finish_with_trailers(trailers, "two");
}

async::Task<void> answer_with_trailers_only(ServerExchange& exchange) {
  const ResponseHead head;
  (void)co_await exchange.start(head);
  const Headers trailers{{"grpc-status", "5"}};
  (void)co_await exchange.finish_with_trailers(trailers);
}

TEST(Http2Server, CarriesTrailersBothWays) {
  ServerFixture server(echo);
  FramePeer peer(server.port());
  peer.headers(1, request_fields("POST"), false);
  peer.data(1, "body");
  peer.headers(1, {{"sum", "42"}}, true);
  EXPECT_EQ(peer.response(1).body, "POST / x body sum=42");

  ServerFixture sending(answer_with_trailers);
  FramePeer reader(sending.port());
  const auto response = reader.get(1);
  EXPECT_EQ(response.body, "onetwo");
  EXPECT_EQ(response.trailers, (FieldList{{"grpc-status", "0"}, {"x-upper", "v"}}));
  EXPECT_TRUE(response.complete);

  ServerFixture brief(answer_with_trailers_only);
  FramePeer other(brief.port());
  const auto only = other.get(1);
  EXPECT_EQ(only.trailers, (FieldList{{"grpc-status", "5"}}));
  EXPECT_EQ(only.body, "");
}

struct BadRequest {
  const char* says;
  FieldList fields;
  bool end = true;
  std::string answer;  // a status, or "reset"
};

TEST(Http2Server, RefusesHeadsThatSomeoneMightReadOtherwise) {
  const FieldList good = request_fields();
  const auto changed = [&](std::size_t at, std::string value) {
    FieldList fields = good;
    fields[at].second = std::move(value);
    return fields;
  };
  const auto without = [&](std::size_t at) {
    FieldList fields = good;
    fields.erase(fields.begin() + static_cast<std::ptrdiff_t>(at));
    return fields;
  };
  const std::vector<BadRequest> table = {
      {"a plain request passes", good, true, "200"},
      {"TE: trailers passes", with(good, "te", "trailers"), true, "200"},
      {"Host equal to :authority passes", with(good, "host", "X"), true, "200"},
      {"Host differs from :authority", with(good, "host", "y"), true, "400"},
      {"Host twice", with(with(without(2), "host", "a"), "host", "a"), true, "reset"},
      {"neither Host nor :authority", without(2), true, "reset"},
      {"an authority with a path", changed(2, "x/y"), true, "reset"},
      {"an authority with user info", changed(2, "u@x"), true, "400"},
      {"transfer-encoding", with(good, "transfer-encoding", "chunked"), true, "reset"},
      {"connection", with(good, "connection", "close"), true, "reset"},
      {"upgrade", with(good, "upgrade", "h2c"), true, "reset"},
      {"proxy-connection", with(good, "proxy-connection", "close"), true, "reset"},
      {"keep-alive", with(good, "keep-alive", "5"), true, "reset"},
      {"TE: gzip", with(good, "te", "gzip"), true, "reset"},
      {"an upper-case name", with(good, "X-Up", "v"), true, "reset"},
      {"a space in a name", with(good, "x y", "v"), true, "reset"},
      {"a colon in a name", with(good, "x:y", "v"), true, "reset"},
      {"an empty name", with(good, "", "v"), true, "reset"},
      {"CR LF in a value", with(good, "x", "a\r\nevil: 1"), true, "reset"},
      {"LF in a value", with(good, "x", "a\nb"), true, "reset"},
      {"NUL in a value", with(good, "x", std::string("a\0b", 3)), true, "reset"},
      {"space around a value", with(good, "x", " a"), true, "reset"},
      {":method twice", with(good, ":method", "GET"), true, "reset"},
      {":path twice", with(good, ":path", "/"), true, "reset"},
      {"a pseudo-field behind a regular one", with(with(without(3), "x", "y"), ":path", "/"), true,
       "reset"},
      {"an unknown pseudo-field", with(good, ":fake", "1"), true, "reset"},
      {"a response pseudo-field", with(good, ":status", "200"), true, "reset"},
      {"no :method", without(0), true, "reset"},
      {"no :scheme", without(1), true, "reset"},
      {"no :path", without(3), true, "reset"},
      {"an empty :path", changed(3, ""), true, "reset"},
      {"a :path with a space", changed(3, "/a b"), true, "reset"},
      {"a :path with a fragment", changed(3, "/a#b"), true, "400"},
      {"a :path in absolute form", changed(3, "http://y/"), true, "reset"},
      {"a :path of *", changed(3, "*"), true, "reset"},
      {"a strange :scheme", changed(1, "ftp"), true, "400"},
      {"a method with a space", changed(0, "GE T"), true, "reset"},
      {"CONNECT", {{":method", "CONNECT"}, {":authority", "x:1"}}, true, "403"},
      {"Content-Length without a body", with(good, "content-length", "3"), true, "reset"},
      {"Content-Length twice", with(with(good, "content-length", "0"), "content-length", "0"), true,
       "reset"},
      {"Content-Length with a sign", with(good, "content-length", "+0"), true, "reset"},
      {"an unknown expectation", with(good, "expect", "miracles"), true, "417"},
      {"a target beyond its limit", changed(3, "/" + std::string(17000, 'a')), true, "414"},
  };
  ServerFixture server(echo);
  FramePeer peer(server.port());
  std::uint32_t stream = 1;
  for (const BadRequest& row : table) {
    peer.headers(stream, row.fields, row.end);
    const auto response = peer.response(stream);
    const std::string got = response.reset.has_value() ? "reset" : response.field(":status");
    EXPECT_EQ(got, row.answer) << row.says << ": " << response.body;
    if (row.answer == "reset") {
      EXPECT_EQ(response.reset, std::optional<std::uint32_t>(NGHTTP2_PROTOCOL_ERROR)) << row.says;
    }
    stream += 2;
  }
  EXPECT_EQ(peer.get(stream).field(":status"), "200") << "the connection is as good as before";
}

TEST(Http2Server, RefusesBodiesThatDifferFromTheirLength) {
  ServerFixture server(echo);
  FramePeer peer(server.port());
  peer.headers(1, with(request_fields("POST"), "content-length", "3"), false);
  peer.data(1, "four", true);
  EXPECT_EQ(peer.response(1).reset, std::optional<std::uint32_t>(NGHTTP2_PROTOCOL_ERROR));
  peer.headers(3, with(request_fields("POST"), "content-length", "3"), false);
  peer.data(3, "2b", true);
  EXPECT_EQ(peer.response(3).reset, std::optional<std::uint32_t>(NGHTTP2_PROTOCOL_ERROR));
  peer.headers(5, request_fields("POST"), false);
  peer.headers(5, {{"host", "evil"}}, true);
  EXPECT_EQ(peer.response(5).reset, std::optional<std::uint32_t>(NGHTTP2_PROTOCOL_ERROR));
  peer.headers(7, with(request_fields("POST"), "content-length", "3"), false);
  peer.data(7, "abc", true);
  EXPECT_EQ(peer.response(7).body, "POST / x abc");
}

TEST(Http2Server, AnswersOversizeHeadsAndJoinsCookies) {
  ServerFixture server([](ServerExchange& e) -> async::Task<void> {
    const ResponseHead head;
    (void)co_await e.respond(head, e.request().headers.get("cookie"));
  });
  FramePeer peer(server.port());
  FieldList many = request_fields();
  for (int i = 0; i < 120; ++i) many.emplace_back("x-" + std::to_string(i), "v");
  peer.headers(1, many);
  EXPECT_EQ(peer.response(1).field(":status"), "431");
  FieldList crumbs = with(with(with(request_fields(), "cookie", "a=1"), "x", "y"), "cookie", "b=2");
  peer.headers(3, crumbs);
  EXPECT_EQ(peer.response(3).body, "a=1; b=2");
}

TEST(Http2Server, AnswersExpectContinueWhenTheHandlerReads) {
  ServerFixture server(echo);
  FramePeer peer(server.port());
  peer.headers(1, with(request_fields("POST"), "expect", "100-continue"), false);
  const auto interim = peer.next(NGHTTP2_HEADERS, 1);
  ASSERT_TRUE(interim.has_value());
  EXPECT_EQ(interim->fields, (FieldList{{":status", "100"}}));
  peer.data(1, "ok", true);
  EXPECT_EQ(peer.response(1).body, "POST / x ok");
}

// ---- ends

async::Task<void> answer_early(ServerExchange& exchange) {
  ResponseHead head;
  head.status = 413;
  (void)co_await exchange.respond(head, "too large");
}

TEST(Http2Server, AnAnswerBeforeTheBodyEndsTheUpload) {
  ServerFixture server(answer_early);
  FramePeer peer(server.port());
  peer.headers(1, request_fields("POST"), false);
  const auto response = peer.response(1);
  EXPECT_EQ(response.field(":status"), "413");
  EXPECT_TRUE(response.complete);
  const auto reset = peer.next(NGHTTP2_RST_STREAM, 1);
  ASSERT_TRUE(reset.has_value());
  EXPECT_EQ(reset->code(), std::uint32_t{NGHTTP2_NO_ERROR});
  EXPECT_EQ(peer.get(3).field(":status"), "413");
}

async::Task<void> break_off(ServerExchange& exchange) {
  if (exchange.request().path() == "/unanswered") co_return;
  const ResponseHead head;
  (void)co_await exchange.start(head);
  (void)co_await exchange.write("part");
  if (exchange.request().path() == "/abort") exchange.abort();
}

TEST(Http2Server, AHandlerThatStopsMidStreamResetsItsStreamOnly) {
  ServerFixture server(break_off);
  FramePeer peer(server.port());
  const auto stopped = peer.get(1, "/");
  EXPECT_EQ(stopped.body, "part");
  EXPECT_EQ(stopped.reset, std::optional<std::uint32_t>(NGHTTP2_INTERNAL_ERROR));
  EXPECT_EQ(peer.get(3, "/abort").reset, std::optional<std::uint32_t>(NGHTTP2_INTERNAL_ERROR));
  EXPECT_EQ(peer.get(5, "/unanswered").field(":status"), "500");
}

struct Probe {
  std::promise<void> started, gone;
};

async::Task<void> wait_for_departure(ServerExchange& exchange, Probe* probe) {
  async::Event left(exchange.loop());
  exchange.on_client_gone([&left] { left.set(); });
  probe->started.set_value();
  (void)co_await left.wait();
  EXPECT_TRUE(exchange.client_gone());
  const Status late = co_await exchange.respond(kPlain, "late");
  EXPECT_EQ(late.code(), Code::kCancelled);
  probe->gone.set_value();
}

TEST(Http2Server, NoticesAResetAndALostConnection) {
  for (const bool reset : {true, false}) {
    Probe probe;
    ServerFixture server([&probe](ServerExchange& e) { return wait_for_departure(e, &probe); });
    FramePeer peer(server.port());
    peer.headers(1, request_fields());
    probe.started.get_future().get();
    if (reset) {
      peer.send(NGHTTP2_RST_STREAM, 0, 1, number32(NGHTTP2_CANCEL));
    } else {
      peer.socket().close();
    }
    probe.gone.get_future().get();
  }
}

// ---- drain

struct Gate {
  std::promise<void> started;
  std::promise<async::Event*> event;
};

async::Task<void> wait_at(ServerExchange& exchange, Gate* gate) {
  if (exchange.request().path() == "/quick") {
    (void)co_await exchange.respond(kPlain, "quick");
    co_return;
  }
  async::Event open(exchange.loop());
  gate->event.set_value(&open);
  (void)co_await open.wait();
  (void)co_await exchange.respond(kPlain, "slow");
}

TEST(Http2Server, DrainsInTwoPhases) {
  Gate gate;
  ServerFixture server([&gate](ServerExchange& e) { return wait_at(e, &gate); });
  FramePeer peer(server.port());
  peer.headers(1, request_fields());
  async::Event* open = gate.event.get_future().get();
  auto drained = std::async(std::launch::async, [&server] { return server.drain(60s); });
  const auto notice = peer.next(NGHTTP2_GOAWAY);
  ASSERT_TRUE(notice.has_value());
  EXPECT_EQ(notice->last_stream(), 0x7FFFFFFFu);
  // A request that was on its way when the notice came is served.
  EXPECT_EQ(peer.get(3, "/quick").body, "quick");
  // The PING that followed the notice was read by get(); its answer ends the first phase.
  peer.send(NGHTTP2_PING, NGHTTP2_FLAG_ACK, 0, std::string(8, '\0'));
  const auto final = peer.next(NGHTTP2_GOAWAY);
  ASSERT_TRUE(final.has_value());
  EXPECT_EQ(final->last_stream(), 3u);
  EXPECT_EQ(final->code(), std::uint32_t{NGHTTP2_NO_ERROR});
  server.loop().post([open] { open->set(); });
  EXPECT_EQ(peer.response(1).body, "slow");
  EXPECT_FALSE(peer.next().has_value()) << "the connection closes behind the last stream";
  peer.socket().close();
  EXPECT_EQ(drained.get(), Status());
}

TEST(Http2Server, ClosesAnIdleConnectionGracefully) {
  HttpServerConfig config;
  config.keep_alive_timeout = 20ms;
  config.http2.shutdown_notice = 20ms;
  ServerFixture server(echo, config);
  FramePeer peer(server.port());
  EXPECT_EQ(peer.get(1).field(":status"), "200");
  const auto notice = peer.next(NGHTTP2_GOAWAY);
  ASSERT_TRUE(notice.has_value());
  EXPECT_EQ(notice->code(), std::uint32_t{NGHTTP2_NO_ERROR});
  ASSERT_TRUE(peer.next(NGHTTP2_GOAWAY).has_value());
  EXPECT_FALSE(peer.next().has_value());
}

}  // namespace
}  // namespace nacelle::net::http
