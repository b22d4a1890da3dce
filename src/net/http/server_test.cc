#include "net/http/server.h"

#include <future>
#include <thread>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "async/event.h"
#include "async/timer.h"
#include "net/testing/raw_client.h"
#include "net/testing/server_fixture.h"

namespace nacelle::net::http {
namespace {

using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::Not;
using testing::RawClient;
using testing::ServerFixture;
using ::testing::StartsWith;

// Answers with "<method> <target> <body>".
async::Task<void> echo(ServerExchange& exchange) {
  Result<std::string> body = co_await exchange.read_body(1 << 20);
  ResponseHead head;
  if (!body.ok()) {
    head.status = body.error().code() == Code::kOutOfRange         ? 413
                  : body.error().code() == Code::kDeadlineExceeded ? 408
                                                                   : 400;
    (void)co_await exchange.respond(head, body.error().message());
    co_return;
  }
  const std::string text =
      exchange.request().method + " " + exchange.request().target + " " + *body;
  (void)co_await exchange.respond(head, text);
}

TEST(HttpServer, AnswersAndKeepsTheConnection) {
  ServerFixture server(echo);
  RawClient client(server.port());
  client.send("GET /a HTTP/1.1\r\nHost: x\r\n\r\n");
  const std::string first = client.read_response();
  EXPECT_THAT(first, StartsWith("HTTP/1.1 200 OK\r\n"));
  EXPECT_THAT(first, HasSubstr("\r\ndate: "));
  EXPECT_THAT(first, Not(HasSubstr("connection:")));
  EXPECT_THAT(first, EndsWith("\r\n\r\nGET /a "));
  client.send("POST /b HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhello");
  EXPECT_THAT(client.read_response(), EndsWith("\r\n\r\nPOST /b hello"));
  EXPECT_EQ(server.server().stats().connections_accepted, 1u);
}

TEST(HttpServer, AnswersPipelinedRequestsInOrder) {
  ServerFixture server(echo);
  RawClient client(server.port());
  std::string burst;
  for (int i = 0; i < 50; ++i) {
    burst += "POST /" + std::to_string(i) + " HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\n\r\nb";
  }
  client.send(burst);
  for (int i = 0; i < 50; ++i) {
    EXPECT_THAT(client.read_response(), EndsWith("POST /" + std::to_string(i) + " b"));
  }
}

TEST(HttpServer, ConnectionCloseIsHonoured) {
  ServerFixture server(echo);
  RawClient client(server.port());
  client.send("GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
  const std::string all = client.read_to_end();
  EXPECT_THAT(all, HasSubstr("connection: close\r\n"));
  EXPECT_THAT(all, EndsWith("GET / "));
}

TEST(HttpServer, Http10ClosesUnlessAskedToKeepAlive) {
  ServerFixture server(echo);
  RawClient plain(server.port());
  plain.send("GET / HTTP/1.0\r\n\r\n");
  EXPECT_THAT(plain.read_to_end(), EndsWith("GET / "));
  RawClient kept(server.port());
  kept.send("GET /1 HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
  EXPECT_THAT(kept.read_response(), HasSubstr("connection: keep-alive\r\n"));
  kept.send("GET /2 HTTP/1.0\r\n\r\n");
  EXPECT_THAT(kept.read_to_end(), EndsWith("GET /2 "));
}

TEST(HttpServer, DecodesChunkedBodiesSentByteByByte) {
  ServerFixture server(echo);
  RawClient client(server.port());
  const std::string request =
      "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
      "5;ext=1\r\nhello\r\n6\r\n world\r\n0\r\nTrailer: t\r\n\r\n";
  for (char c : request) client.send(std::string_view(&c, 1));
  EXPECT_THAT(client.read_response(), EndsWith("POST / hello world"));
}

TEST(HttpServer, AnswersExpectContinueWhenTheHandlerReads) {
  ServerFixture server(echo);
  RawClient client(server.port());
  client.send("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\n");
  EXPECT_EQ(client.read_until("\r\n\r\n"), "HTTP/1.1 100 Continue\r\n\r\n");
  client.send("ok");
  EXPECT_THAT(client.read_response(), EndsWith("POST / ok"));
}

TEST(HttpServer, RefusesADeclaredBodyBeyondTheLimitWithoutReadingIt) {
  ServerFixture server(echo);
  RawClient client(server.port());
  client.send(
      "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 9999999\r\nExpect: 100-continue\r\n\r\n");
  const std::string all = client.read_to_end();
  EXPECT_THAT(all, StartsWith("HTTP/1.1 413 "));
  EXPECT_THAT(all, HasSubstr("connection: close\r\n"));
}

TEST(HttpServer, RefusesAChunkedBodyBeyondTheLimit) {
  ServerFixture server(echo);
  RawClient client(server.port());
  client.send("POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n");
  const std::string chunk = "10000\r\n" + std::string(0x10000, 'x') + "\r\n";
  for (int i = 0; i < 17; ++i) client.send(chunk);
  EXPECT_THAT(client.read_to_end(), StartsWith("HTTP/1.1 413 "));
}

TEST(HttpServer, HeadRequestsGetTheHeadOnly) {
  ServerFixture server(echo);
  RawClient client(server.port());
  client.send("HEAD / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
  const std::string all = client.read_to_end();
  EXPECT_THAT(all, HasSubstr("content-length: 7\r\n"));
  EXPECT_THAT(all, EndsWith("\r\n\r\n"));
}

async::Task<void> silent(ServerExchange&) { co_return; }

TEST(HttpServer, AHandlerThatDoesNotAnswerGives500) {
  ServerFixture server(silent);
  RawClient client(server.port());
  client.send("GET / HTTP/1.1\r\nHost: x\r\n\r\n");
  EXPECT_THAT(client.read_to_end(), StartsWith("HTTP/1.1 500 "));
}

async::Task<void> stream_three(ServerExchange& exchange) {
  ResponseHead head;
  head.headers.add("content-type", "text/event-stream");
  (void)co_await exchange.start(head);
  for (int i = 0; i < 3; ++i) {
    const std::string data = "data: " + std::to_string(i) + "\n\n";
    (void)co_await exchange.write(data);
  }
  (void)co_await exchange.finish("data: [DONE]\n\n");
}

TEST(HttpServer, StreamsChunkedForHttp11AndUntilCloseForHttp10) {
  ServerFixture server(stream_three);
  RawClient modern(server.port());
  modern.send("GET / HTTP/1.1\r\nHost: x\r\n\r\n");
  const std::string chunked = modern.read_response();
  EXPECT_THAT(chunked, HasSubstr("transfer-encoding: chunked\r\n"));
  EXPECT_THAT(chunked, EndsWith("9\r\ndata: 0\n\n\r\n9\r\ndata: 1\n\n\r\n9\r\ndata: 2\n\n\r\n"
                                "e\r\ndata: [DONE]\n\n\r\n0\r\n\r\n"));
  RawClient old(server.port());
  old.send("GET / HTTP/1.0\r\n\r\n");
  const std::string plain = old.read_to_end();
  EXPECT_THAT(plain, Not(HasSubstr("transfer-encoding")));
  EXPECT_THAT(plain, EndsWith("\r\n\r\ndata: 0\n\ndata: 1\n\ndata: 2\n\ndata: [DONE]\n\n"));
}

async::Task<void> break_off(ServerExchange& exchange) {
  const ResponseHead head;
  (void)co_await exchange.start(head);
  (void)co_await exchange.write("part");
}

TEST(HttpServer, AHandlerThatStopsMidStreamBreaksTheConnection) {
  ServerFixture server(break_off);
  RawClient client(server.port());
  client.send("GET / HTTP/1.1\r\nHost: x\r\n\r\n");
  EXPECT_THAT(client.read_to_end(), EndsWith("4\r\npart\r\n"));
}

// Streams the head, then waits for the client to go.
struct DepartureProbe {
  std::promise<void> gone;
};

async::Task<void> wait_for_departure(ServerExchange& exchange, DepartureProbe* probe, bool stream) {
  async::Event left(exchange.loop());
  exchange.on_client_gone([&left] { left.set(); });
  if (stream) {
    const ResponseHead head;
    (void)co_await exchange.start(head);
    (void)co_await exchange.write("x");
  }
  (void)co_await left.wait();
  EXPECT_TRUE(exchange.client_gone());
  probe->gone.set_value();
}

TEST(HttpServer, NoticesAClientThatLeavesWhileTheHandlerWaits) {
  DepartureProbe probe;
  ServerFixture server(
      [&probe](ServerExchange& e) { return wait_for_departure(e, &probe, false); });
  RawClient client(server.port());
  client.send("GET / HTTP/1.1\r\nHost: x\r\n\r\n");
  client.close();
  probe.gone.get_future().get();
}

TEST(HttpServer, NoticesAResetWhileStreaming) {
  DepartureProbe probe;
  ServerFixture server([&probe](ServerExchange& e) { return wait_for_departure(e, &probe, true); });
  RawClient client(server.port());
  client.send("GET / HTTP/1.1\r\nHost: x\r\n\r\n");
  client.read_until("x\r\n");
  client.reset();
  probe.gone.get_future().get();
}

TEST(HttpServer, NoticesDepartureBehindPipelinedBytes) {
  DepartureProbe probe;
  ServerFixture server([&probe](ServerExchange& e) { return wait_for_departure(e, &probe, true); });
  RawClient client(server.port());
  client.send("GET / HTTP/1.1\r\nHost: x\r\n\r\nGET /2 HTTP/1.1\r\nHost: x\r\n\r\n");
  client.read_until("x\r\n");
  client.close();
  probe.gone.get_future().get();
}

}  // namespace
}  // namespace nacelle::net::http
