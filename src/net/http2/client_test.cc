// The HTTP/2 client against our server and against servers of hand-written frames.
#include <future>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "async/event.h"
#include "async/task_scope.h"
#include "async/timer.h"
#include "net/http/client.h"
#include "net/http/client_stream.h"
#include "net/testing/frame_peer.h"
#include "net/testing/raw_server.h"
#include "net/testing/server_fixture.h"
#include "net/testing/test_ca.h"
#include "net/tls/server_context.h"

namespace nacelle::net::http {
namespace {

using testing::frame_bytes;
using testing::header_block;
using testing::number32;
using testing::RawServer;
using testing::ServerFixture;

const ResponseHead kPlain;  // named, see async/task.h

struct Fetched {
  Status status;
  ClientStage stage = ClientStage::kIdle;
  int code = 0;
  std::string body;
  bool reused = false;
};

ClientOptions http2(ClientOptions options = {}) {
  options.protocol = Protocol::kHttp2;
  return options;
}

async::Task<Fetched> fetch_with(HttpClient* client, HostPort address, std::string method,
                                std::string body, ClientOptions options) {
  Fetched out;
  ClientExchange exchange(*client);
  RequestHead head;
  head.method = std::move(method);
  head.target = "/t";
  out.status = co_await exchange.send(address, head, body, options);
  body.assign(body.size(), '!');  // the memory is ours again
  out.stage = exchange.stage();
  if (!out.status.ok()) co_return out;
  out.code = exchange.response().status;
  out.reused = exchange.reused_connection();
  Result<std::string> read = co_await exchange.read_body(std::size_t{1} << 28);
  out.stage = exchange.stage();
  if (read.ok()) {
    out.body = std::move(*read);
  } else {
    out.status = read.error();
  }
  co_return out;
}

async::Task<void> fetch_into(HttpClient* client, HostPort address, std::string body,
                             ClientOptions options, Fetched* out) {
  *out = co_await fetch_with(client, address, "POST", std::move(body), options);
}

// All at once.
async::Task<std::vector<Fetched>> fetch_together(HostPort address, std::vector<std::string> bodies,
                                                 ClientOptions options) {
  async::Loop& loop = *async::Loop::current();
  HttpClient client(loop);
  std::vector<Fetched> out(bodies.size());
  async::StopScope scope(loop);
  for (std::size_t i = 0; i < bodies.size(); ++i) {
    scope.spawn(fetch_into(&client, address, std::move(bodies[i]), options, &out[i]));
  }
  co_await scope.join();
  co_return out;
}

// One after the other.
async::Task<std::vector<Fetched>> fetch_all(HostPort address, std::vector<std::string> bodies,
                                            ClientOptions options) {
  HttpClient client(*async::Loop::current());
  std::vector<Fetched> out;
  for (std::string& body : bodies) {
    out.push_back(co_await fetch_with(&client, address, "POST", std::move(body), options));
  }
  co_return out;
}

async::Task<void> echo(ServerExchange& exchange) {
  Result<std::string> body = co_await exchange.read_body(std::size_t{1} << 28);
  if (body.ok()) (void)co_await exchange.respond(kPlain, *body);
}

async::Task<void> echo_stream(ServerExchange& exchange) {
  (void)co_await exchange.start(kPlain);
  for (;;) {
    Result<std::string_view> piece = co_await exchange.read_chunk();
    if (!piece.ok()) co_return;
    if (piece->empty()) break;
    const Status written = co_await exchange.write(*piece);
    if (!written.ok()) co_return;
  }
  const Headers trailers{{"pieces", "all"}};
  (void)co_await exchange.finish_with_trailers(trailers);
}

std::string pattern(std::size_t size) {
  std::string text(size, '\0');
  std::uint32_t state = 12345;
  for (char& c : text) {
    state = state * 1664525 + 1013904223;
    c = static_cast<char>(state >> 24);
  }
  return text;
}

TEST(Http2Client, SharesOneConnection) {
  ServerFixture server(echo);
  std::vector<std::string> bodies;
  for (int i = 0; i < 90; ++i) bodies.push_back("body " + std::to_string(i));
  const auto out = server.run(fetch_together(server.address(), bodies, http2()));
  for (std::size_t i = 0; i < out.size(); ++i) {
    EXPECT_EQ(out[i].status, Status());
    EXPECT_EQ(out[i].body, bodies[i]);
    EXPECT_EQ(out[i].stage, ClientStage::kDone);
  }
  EXPECT_EQ(server.server().stats().connections_accepted, 1u);
}

TEST(Http2Client, MovesBigBodiesBothWays) {
  for (const auto handler : {echo, echo_stream}) {
    ServerFixture server(handler, {}, 2);
    for (std::size_t size : {std::size_t{0}, std::size_t{1}, std::size_t{16384}, std::size_t{70000},
                             std::size_t{1} << 20, std::size_t{5} << 20}) {
      const std::string body = pattern(size);
      const auto out = server.run(fetch_all(server.address(), {body, body}, http2()));
      for (const Fetched& one : out) {
        EXPECT_EQ(one.status, Status()) << one.status.to_string();
        EXPECT_TRUE(one.body == body) << size;
      }
      EXPECT_TRUE(out[1].reused);
    }
  }
}

struct Barrier {
  std::atomic<int> waiting{0};
  int wanted = 0;
};

// Answers when `wanted` requests are there at the same time.
async::Task<void> answer_together(ServerExchange& exchange, Barrier* barrier) {
  ++barrier->waiting;
  while (barrier->waiting < barrier->wanted) co_await async::sleep_for(1ms);
  (void)co_await exchange.respond(kPlain, "together");
}

TEST(Http2Client, OpensAnotherConnectionBeyondTheServersStreamLimit) {
  Barrier barrier;
  barrier.wanted = 7;
  HttpServerConfig config;
  config.http2.max_concurrent_streams = 3;
  ServerFixture server([&barrier](ServerExchange& e) { return answer_together(e, &barrier); },
                       config);
  const auto out =
      server.run(fetch_together(server.address(), std::vector<std::string>(7), http2()));
  for (const Fetched& one : out) {
    EXPECT_EQ(one.status, Status());
    EXPECT_EQ(one.body, "together");
  }
  EXPECT_EQ(server.server().stats().connections_accepted, 3u);
}

async::Task<std::string> talk(HostPort address, Headers* trailers) {
  HttpClient client(*async::Loop::current());
  ClientStream stream(client);
  RequestHead head;
  head.method = "POST";
  std::string heard;
  Status status = co_await stream.start(address, head);
  if (!status.ok()) co_return status.to_string();
  status = co_await stream.read_head();  // the server answers before we have said anything
  if (!status.ok()) co_return status.to_string();
  for (const char* word : {"one", "two", "three"}) {
    const Status written = co_await stream.write(word);
    if (!written.ok()) co_return written.to_string();
    const Result<std::string_view> piece = co_await stream.read_chunk();
    if (!piece.ok()) co_return piece.error().to_string();
    heard.append(*piece).append(" ");
  }
  (void)co_await stream.finish("end");
  Result<std::string> rest = co_await stream.read_body(1000);
  if (!rest.ok()) co_return rest.error().to_string();
  *trailers = stream.trailers();
  co_return heard + *rest;
}

TEST(Http2Client, SendsAndReadsByTurns) {
  ServerFixture server(echo_stream);
  Headers trailers;
  EXPECT_EQ(server.run(talk(server.address(), &trailers)), "one two three end");
  EXPECT_EQ(trailers.get("pieces"), "all");
}

// ---- servers that fail

const std::string kSettings = frame_bytes(NGHTTP2_SETTINGS, 0, 0, "");
const std::string kOk =
    frame_bytes(NGHTTP2_HEADERS, NGHTTP2_FLAG_END_HEADERS, 1, header_block({{":status", "200"}}));

std::string response(std::uint32_t stream, std::string_view body) {
  return frame_bytes(NGHTTP2_HEADERS, NGHTTP2_FLAG_END_HEADERS, stream,
                     header_block({{":status", "200"}})) +
         frame_bytes(NGHTTP2_DATA, NGHTTP2_FLAG_END_STREAM, stream, body);
}

struct Failure {
  const char* says;
  std::string sends;  // once the request is there; then the connection closes
  Code code;
  ClientStage stage;
};

TEST(Http2Client, SaysHowFarARequestGot) {
  const std::vector<Failure> table = {
      {"closes without an answer", "", Code::kUnavailable, ClientStage::kAwaitingHead},
      {"refuses the stream",
       frame_bytes(NGHTTP2_RST_STREAM, 0, 1, number32(NGHTTP2_REFUSED_STREAM)), Code::kUnavailable,
       ClientStage::kConnecting},
      {"resets the stream", frame_bytes(NGHTTP2_RST_STREAM, 0, 1, number32(NGHTTP2_CANCEL)),
       Code::kUnavailable, ClientStage::kAwaitingHead},
      {"closes within the body", kOk + frame_bytes(NGHTTP2_DATA, 0, 1, "part"), Code::kUnavailable,
       ClientStage::kBody},
      {"resets within the body",
       kOk + frame_bytes(NGHTTP2_RST_STREAM, 0, 1, number32(NGHTTP2_INTERNAL_ERROR)),
       Code::kUnavailable, ClientStage::kBody},
      {"sends no status",
       frame_bytes(NGHTTP2_HEADERS, NGHTTP2_FLAG_END_HEADERS, 1, header_block({{"x", "y"}})),
       Code::kDataLoss, ClientStage::kAwaitingHead},
      {"sends a connection field",
       frame_bytes(NGHTTP2_HEADERS, NGHTTP2_FLAG_END_HEADERS, 1,
                   header_block({{":status", "200"}, {"transfer-encoding", "chunked"}})),
       Code::kDataLoss, ClientStage::kAwaitingHead},
      {"ends early",
       frame_bytes(NGHTTP2_HEADERS, NGHTTP2_FLAG_END_HEADERS, 1,
                   header_block({{":status", "200"}, {"content-length", "9"}})) +
           frame_bytes(NGHTTP2_DATA, NGHTTP2_FLAG_END_STREAM, 1, "part"),
       Code::kDataLoss, ClientStage::kBody},
      {"talks HTTP/1", "HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\n\r\n", Code::kUnavailable,
       ClientStage::kAwaitingHead},
  };
  for (const Failure& row : table) {
    RawServer server([&row](RawServer::Peer& peer) {
      peer.read_until("SM\r\n\r\n");
      if (!row.sends.starts_with("HTTP")) peer.send(kSettings);
      peer.read_until("payload");  // the request's body
      peer.send(row.sends);
    });
    ServerFixture loop(echo);
    ClientOptions options = http2();
    options.retry_stale = false;
    const auto out = loop.run(fetch_all({"127.0.0.1", server.port()}, {"payload"}, options));
    EXPECT_EQ(out[0].status.code(), row.code) << row.says << ": " << out[0].status.to_string();
    EXPECT_EQ(out[0].stage, row.stage) << row.says << ": " << to_string(out[0].stage);
  }
}

TEST(Http2Client, AsksAgainWhenAGoawayLeavesItsRequestOut) {
  int connections = 0;
  RawServer server([&connections](RawServer::Peer& peer) {
    peer.read_until("SM\r\n\r\n");
    peer.send(kSettings);
    peer.read_until("payload");
    if (++connections == 1) {
      peer.send(frame_bytes(NGHTTP2_GOAWAY, 0, 0, number32(0) + number32(NGHTTP2_NO_ERROR)));
    } else {
      peer.send(response(1, "second"));
      peer.read_to_end();
    }
  });
  ServerFixture loop(echo);
  const auto out = loop.run(fetch_all({"127.0.0.1", server.port()}, {"payload"}, http2()));
  EXPECT_EQ(out[0].status, Status());
  EXPECT_EQ(out[0].body, "second");
}

TEST(Http2Client, SkipsInterimResponses) {
  RawServer server([](RawServer::Peer& peer) {
    peer.read_until("SM\r\n\r\n");
    peer.send(kSettings);
    peer.read_until("payload");
    peer.send(frame_bytes(NGHTTP2_HEADERS, NGHTTP2_FLAG_END_HEADERS, 1,
                          header_block({{":status", "103"}, {"link", "x"}})));
    peer.send(response(1, "real"));
    peer.read_to_end();
  });
  ServerFixture loop(echo);
  const auto out = loop.run(fetch_all({"127.0.0.1", server.port()}, {"payload"}, http2()));
  EXPECT_EQ(out[0].code, 200);
  EXPECT_EQ(out[0].body, "real");
}

TEST(Http2Client, CouldNotConnect) {
  std::uint16_t closed_port = 0;
  { closed_port = ServerFixture(echo).port(); }
  ServerFixture loop(echo);
  const auto out = loop.run(fetch_together({"127.0.0.1", closed_port}, {"a", "b"}, http2()));
  for (const Fetched& one : out) {
    EXPECT_EQ(one.status.code(), Code::kUnavailable);
    EXPECT_EQ(one.stage, ClientStage::kConnecting);
  }
}

TEST(Http2Client, SpeaksHttp2OverTlsAndNothingElse) {
  const testing::TestCa ca;
  TlsServerConfig both;
  both.certificates.push_back(testing::use(ca.issue({"127.0.0.1"})));
  TlsServerConfig old = both;
  old.alpn = {"http/1.1"};
  TlsClientConfig client;
  client.ca = ca.trusted();
  ClientOptions options = http2();
  options.tls = *TlsClientContext::create(client);

  HttpServerConfig config;
  config.tls = *TlsServerSource::create(both);
  ServerFixture server(echo_stream, config);
  const std::string body = pattern(1 << 20);
  const auto out = server.run(fetch_together(server.address(), {body, "b", "c"}, options));
  EXPECT_EQ(out[0].status, Status()) << out[0].status.to_string();
  EXPECT_TRUE(out[0].body == body);
  EXPECT_EQ(out[1].body, "b");
  EXPECT_EQ(out[2].body, "c");
  EXPECT_EQ(server.server().stats().tls_handshakes, 1u);

  config.tls = *TlsServerSource::create(old);
  ServerFixture without(echo, config);
  const auto refused = without.run(fetch_together(without.address(), {"a"}, options));
  EXPECT_EQ(refused[0].status.code(), Code::kUnavailable);
  EXPECT_EQ(refused[0].stage, ClientStage::kConnecting);
}

async::Task<void> never_answer(ServerExchange& exchange) {
  async::Event left(exchange.loop());
  exchange.on_client_gone([&left] { left.set(); });
  if (exchange.request().method == "GET") (void)co_await exchange.start(kPlain);
  (void)co_await left.wait();
}

async::Task<std::vector<Fetched>> fetch_slow(HostPort address) {
  HttpClient client(*async::Loop::current());
  ClientOptions options = http2();
  options.head_timeout = 20ms;
  options.read_idle_timeout = 20ms;
  std::vector<Fetched> out;
  out.push_back(co_await fetch_with(&client, address, "POST", "x", options));
  out.push_back(co_await fetch_with(&client, address, "GET", "", options));
  co_return out;
}

TEST(Http2Client, TimesOutAndKeepsTheConnection) {
  ServerFixture server(never_answer);
  const auto out = server.run(fetch_slow(server.address()));
  EXPECT_EQ(out[0].status.code(), Code::kDeadlineExceeded);
  EXPECT_EQ(out[0].stage, ClientStage::kAwaitingHead);
  EXPECT_EQ(out[1].status.code(), Code::kDeadlineExceeded);
  EXPECT_EQ(out[1].stage, ClientStage::kBody);
  EXPECT_TRUE(server.server().stats().connections_accepted == 1);
}

async::Task<void> cancel_soon(ClientExchange* exchange) {
  co_await async::sleep_for(5ms);
  exchange->cancel();
}

async::Task<Status> cancelled_fetch(HostPort address) {
  async::Loop& loop = *async::Loop::current();
  HttpClient client(loop);
  async::StopScope scope(loop);
  ClientExchange exchange(client);
  scope.spawn(cancel_soon(&exchange));
  RequestHead head;
  head.method = "POST";
  const Status sent = co_await exchange.send(address, head, "x", http2());
  co_await scope.join();
  co_return sent;
}

TEST(Http2Client, CancelResetsTheStream) {
  ServerFixture server(never_answer);
  EXPECT_EQ(server.run(cancelled_fetch(server.address())).code(), Code::kCancelled);
}

}  // namespace
}  // namespace nacelle::net::http
