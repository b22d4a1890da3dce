#include "net/http/client.h"

#include <future>
#include <thread>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "async/event.h"
#include "async/task_scope.h"
#include "async/timer.h"
#include "net/testing/raw_server.h"
#include "net/testing/server_fixture.h"

namespace nacelle::net::http {
namespace {

using ::testing::HasSubstr;
using testing::RawServer;
using testing::ServerFixture;

struct Fetched {
  Status status;
  ClientStage stage = ClientStage::kIdle;
  int code = 0;
  std::string body;
  bool reused = false;
};

async::Task<Fetched> fetch_with(HttpClient* client, HostPort address, std::string method,
                                std::string body, ClientOptions options) {
  Fetched out;
  ClientExchange exchange(*client);
  RequestHead head;
  head.method = std::move(method);
  head.target = "/t";
  out.status = co_await exchange.send(address, head, body, options);
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
  const ResponseHead head;
  if (body.ok()) (void)co_await exchange.respond(head, *body);
}

// Echoes piece by piece, chunked.
async::Task<void> echo_stream(ServerExchange& exchange) {
  const ResponseHead head;
  (void)co_await exchange.start(head);
  for (;;) {
    Result<std::string_view> piece = co_await exchange.read_chunk();
    if (!piece.ok()) co_return;
    if (piece->empty()) break;
    const Status written = co_await exchange.write(*piece);
    if (!written.ok()) co_return;
  }
  (void)co_await exchange.finish();
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

TEST(HttpClient, ReusesTheConnection) {
  ServerFixture server(echo);
  const auto out = server.run(fetch_all(server.address(), {"one", "", "three"}, {}));
  EXPECT_EQ(out[0].body, "one");
  EXPECT_FALSE(out[0].reused);
  EXPECT_EQ(out[1].body, "");
  EXPECT_TRUE(out[1].reused);
  EXPECT_EQ(out[2].body, "three");
  EXPECT_TRUE(out[2].reused);
}

TEST(HttpClient, MovesBigBodiesBothWays) {
  for (const auto handler : {echo, echo_stream}) {
    ServerFixture server(handler, {}, 2);
    for (std::size_t size :
         {std::size_t{8191}, std::size_t{8192}, std::size_t{70000}, std::size_t{1} << 20}) {
      const std::string body = pattern(size);
      const auto out = server.run(fetch_all(server.address(), {body, body}, {}));
      for (const Fetched& one : out) {
        EXPECT_EQ(one.status, Status());
        EXPECT_TRUE(one.body == body) << size;
      }
      EXPECT_TRUE(out[1].reused);
    }
  }
}

TEST(HttpClient, SaysThatItCouldNotConnect) {
  std::uint16_t closed_port = 0;
  {
    RawServer server([](auto&) {});
    closed_port = server.port();
  }
  async::Runtime runtime(1);
  runtime.start();
  const auto out =
      async::run_blocking(runtime.loop(0), fetch_all({"127.0.0.1", closed_port}, {"x"}, {}));
  EXPECT_EQ(out[0].status.code(), Code::kUnavailable);
  EXPECT_EQ(out[0].stage, ClientStage::kConnecting);
}

Fetched fetch_raw(RawServer::Script script, ClientOptions options = {}, std::size_t times = 1) {
  RawServer server(std::move(script));
  async::Runtime runtime(1);
  runtime.start();
  const HostPort address{"127.0.0.1", server.port()};
  auto task = fetch_all(address, std::vector<std::string>(times, "x"), options);
  return async::run_blocking(runtime.loop(0), std::move(task)).back();
}

TEST(HttpClient, TellsWhereAResponseBroke) {
  struct Row {
    const char* name;
    const char* response;
    Code code;
    ClientStage stage;
  };
  const Row rows[] = {
      {"nothing", "", Code::kUnavailable, ClientStage::kAwaitingHead},
      {"half a head", "HTTP/1.1 200 OK\r\nconte", Code::kDataLoss, ClientStage::kAwaitingHead},
      {"no HTTP", "SSH-2.0-OpenSSH\r\n", Code::kDataLoss, ClientStage::kAwaitingHead},
      {"short body", "HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nabc", Code::kDataLoss,
       ClientStage::kBody},
      {"no last chunk", "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n",
       Code::kDataLoss, ClientStage::kBody},
      {"bad chunk", "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nzz\r\nabc\r\n",
       Code::kDataLoss, ClientStage::kBody},
      {"both framings",
       "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\ncontent-length: 3\r\n\r\nabc",
       Code::kDataLoss, ClientStage::kAwaitingHead},
      {"until close", "HTTP/1.1 200 OK\r\n\r\nabc", Code::kOk, ClientStage::kDone},
      {"interim first", "HTTP/1.1 103 Hints\r\nlink: x\r\n\r\nHTTP/1.1 200 OK\r\n\r\nabc",
       Code::kOk, ClientStage::kDone},
      {"unasked upgrade", "HTTP/1.1 101 Switching\r\n\r\n", Code::kDataLoss,
       ClientStage::kAwaitingHead},
  };
  for (const Row& row : rows) {
    SCOPED_TRACE(row.name);
    const Fetched out = fetch_raw([&row](RawServer::Peer& peer) {
      peer.read_until("\r\n\r\nx");
      peer.send(row.response);
    });
    EXPECT_EQ(out.status.code(), row.code) << out.status.to_string();
    EXPECT_EQ(out.stage, row.stage);
    EXPECT_EQ(out.body, row.code == Code::kOk ? "abc" : "");
  }
}

TEST(HttpClient, RetriesAStaleConnectionOnAFreshOne) {
  // Each connection answers once and is closed as soon as the second request arrives.
  const Fetched out = fetch_raw(
      [](RawServer::Peer& peer) {
        peer.read_until("\r\n\r\nx");
        peer.send("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok");
        peer.read_until("\r\n\r\nx");
      },
      {}, 2);
  EXPECT_EQ(out.status, Status());
  EXPECT_EQ(out.body, "ok");
  EXPECT_FALSE(out.reused);
}

TEST(HttpClient, TimesOutWhenThePeerIsSilent) {
  ClientOptions options;
  options.head_timeout = 5ms;
  const Fetched out = fetch_raw([](RawServer::Peer& peer) { peer.read_to_end(); }, options);
  EXPECT_EQ(out.status.code(), Code::kDeadlineExceeded);
  EXPECT_EQ(out.stage, ClientStage::kAwaitingHead);
}

TEST(HttpClient, TimesOutBetweenPieces) {
  ClientOptions options;
  options.read_idle_timeout = 5ms;
  const Fetched out = fetch_raw(
      [](RawServer::Peer& peer) {
        peer.read_until("\r\n\r\nx");
        peer.send("HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nabc");
        peer.read_to_end();
      },
      options);
  EXPECT_EQ(out.status.code(), Code::kDeadlineExceeded);
  EXPECT_EQ(out.stage, ClientStage::kBody);
}

async::Task<void> cancel_when_set(async::Event* event, ClientExchange* exchange) {
  (void)co_await event->wait();
  exchange->cancel();
}

async::Task<Status> cancelled_send(HostPort address) {
  async::Loop& loop = *async::Loop::current();
  HttpClient client(loop);
  ClientExchange exchange(client);
  async::Event now(loop);
  async::StopScope scope(loop);
  scope.spawn(cancel_when_set(&now, &exchange));
  loop.post([&now] { now.set(); });
  const RequestHead head;
  const Status sent = co_await exchange.send(address, head);
  co_await scope.join();
  co_return sent;
}

TEST(HttpClient, CancelEndsAPendingSendAndClosesTheUpstream) {
  std::promise<void> closed;
  RawServer server([&closed](RawServer::Peer& peer) {
    peer.read_to_end();
    closed.set_value();
  });
  async::Runtime runtime(1);
  runtime.start();
  const Status sent =
      async::run_blocking(runtime.loop(0), cancelled_send({"127.0.0.1", server.port()}));
  EXPECT_EQ(sent.code(), Code::kCancelled);
  closed.get_future().get();
}

async::Task<std::size_t> idle_after_peer_closed(HostPort address, std::promise<void>* close_now,
                                                std::size_t* before) {
  async::Loop& loop = *async::Loop::current();
  HttpClient client(loop);
  (void)co_await fetch_with(&client, address, "POST", "x", {});
  *before = client.num_idle();
  close_now->set_value();
  // The pool drops the connection when the FIN arrives.
  while (client.num_idle() > 0) co_await async::sleep_for(1ms);
  co_return client.num_idle();
}

TEST(HttpClient, DropsIdleConnectionsThatThePeerCloses) {
  std::promise<void> close_now;
  RawServer server([&close_now](RawServer::Peer& peer) {
    peer.read_until("\r\n\r\nx");
    peer.send("HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n");
    close_now.get_future().get();
  });
  async::Runtime runtime(1);
  runtime.start();
  std::size_t before = 0;
  auto task = idle_after_peer_closed({"127.0.0.1", server.port()}, &close_now, &before);
  EXPECT_EQ(async::run_blocking(runtime.loop(0), std::move(task)), 0u);
  EXPECT_EQ(before, 1u);
}

TEST(HttpClient, RefusesHeadersThatForgeHeaders) {
  ServerFixture server(echo);
  auto body = [](HostPort address) -> async::Task<Status> {
    HttpClient client(*async::Loop::current());
    ClientExchange exchange(client);
    RequestHead head;
    head.headers.add("x-user", "a\r\nx-admin: yes");
    co_return co_await exchange.send(address, head);
  };
  EXPECT_EQ(server.run(body(server.address())).code(), Code::kInvalidArgument);
}

}  // namespace
}  // namespace nacelle::net::http
