// Limits, timeouts, broken clients and drain of HttpServer.
#include <sys/resource.h>

#include <atomic>
#include <future>
#include <memory>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "async/event.h"
#include "async/task_scope.h"
#include "async/timer.h"
#include "net/http/client.h"
#include "net/http/server.h"
#include "net/testing/raw_client.h"
#include "net/testing/server_fixture.h"

namespace nacelle::net::http {
namespace {

using ::testing::EndsWith;
using ::testing::HasSubstr;
using testing::RawClient;
using testing::ServerFixture;
using ::testing::StartsWith;

const std::string kGet = "GET / HTTP/1.1\r\nHost: x\r\n\r\n";

async::Task<void> answer_ok(ServerExchange& exchange) {
  const ResponseHead head;
  (void)co_await exchange.respond(head, "ok");
}

// Reads the body and answers with the code of what went wrong.
async::Task<void> answer_body_error(ServerExchange& exchange, std::promise<Status>* seen) {
  Result<std::string> body = co_await exchange.read_body(1 << 20);
  ResponseHead head;
  head.status = body.error().code() == Code::kDeadlineExceeded ? 408 : 400;
  seen->set_value(body.error());
  (void)co_await exchange.respond(head, "");
}

TEST(ServerLimits, RefusalsCarryTheirStatusAndCloseTheConnection) {
  HttpServerConfig config;
  config.max_head_bytes = 2000;
  config.max_header_count = 5;
  config.allow_http10 = false;
  ServerFixture server(answer_ok, config);
  struct {
    std::string request;
    const char* status;
  } const table[] = {
      {"GARBAGE\r\n\r\n", "HTTP/1.1 400 "},
      {"GET / HTTP/1.1\nHost: x\n\n", "HTTP/1.1 400 "},
      {"GET / HTTP/1.1\r\nHost: x\r\nA: " + std::string(3000, 'a') + "\r\n\r\n", "HTTP/1.1 431 "},
      {"GET / HTTP/1.1\r\nHost: x\r\na:\r\nb:\r\nc:\r\nd:\r\ne:\r\n\r\n", "HTTP/1.1 431 "},
      {"GET / HTTP/1.0\r\n\r\n", "HTTP/1.1 426 "},
      {"GET / HTTP/3.0\r\nHost: x\r\n\r\n", "HTTP/1.1 505 "},
      {"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: br\r\n\r\n", "HTTP/1.1 501 "},
  };
  for (const auto& row : table) {
    RawClient client(server.port());
    client.send(kGet + row.request + kGet);  // the request behind a bad one must not be served
    EXPECT_THAT(client.read_response(), EndsWith("ok"));
    const std::string rest = client.read_to_end();
    EXPECT_THAT(rest, StartsWith(row.status));
    EXPECT_THAT(rest, HasSubstr("connection: close\r\n"));
    EXPECT_EQ(rest.find("HTTP/1.1", 1), std::string::npos) << rest;
    EXPECT_FALSE(client.was_reset());
  }
  EXPECT_EQ(server.server().stats().requests_refused, std::size(table));
}

TEST(ServerLimits, RefusalsSpeakTheOwnersDialect) {
  async::Runtime runtime(1);
  runtime.start();
  HttpServerConfig config;
  config.address = {"127.0.0.1", 0};
  auto server = HttpServer::bind(runtime, config, answer_ok, [](int status, std::string_view why) {
    return RefusalBody{"application/json", fmt::format("{{\"{}\":\"{}\"}}", status, why)};
  });
  ASSERT_TRUE(server.ok());
  ASSERT_TRUE((*server)->listen().ok());
  RawClient client((*server)->port());
  client.send("GET / HTTP/1.1\r\n\r\n");
  const std::string all = client.read_to_end();
  client.close();
  EXPECT_THAT(all, HasSubstr("content-type: application/json\r\n"));
  EXPECT_THAT(all, EndsWith("{\"400\":\"Host is missing\"}"));
  const TimePoint now = std::chrono::steady_clock::now();
  EXPECT_TRUE(async::run_blocking(runtime.loop(0), (*server)->drain(now + 10s)).ok());
}

TEST(ServerLimits, AnUnfinishedHeadTimesOutWith408) {
  HttpServerConfig config;
  config.head_timeout = 10ms;
  ServerFixture server(answer_ok, config);
  RawClient client(server.port());
  client.send("GET / HTTP/1.1\r\nHo");
  EXPECT_THAT(client.read_to_end(), StartsWith("HTTP/1.1 408 "));
}

TEST(ServerLimits, ASilentConnectionIsClosedWithoutAnAnswer) {
  HttpServerConfig config;
  config.head_timeout = 10ms;
  config.keep_alive_timeout = 10ms;
  ServerFixture server(answer_ok, config);
  RawClient fresh(server.port());
  EXPECT_EQ(fresh.read_to_end(), "");
  RawClient idle(server.port());
  idle.send(kGet);
  EXPECT_THAT(idle.read_response(), EndsWith("ok"));
  EXPECT_EQ(idle.read_to_end(), "");
}

TEST(ServerLimits, AStalledBodyTimesOut) {
  std::promise<Status> seen;
  HttpServerConfig config;
  config.body_timeout = 10ms;
  ServerFixture server([&seen](ServerExchange& e) { return answer_body_error(e, &seen); }, config);
  RawClient client(server.port());
  client.send("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nab");
  EXPECT_THAT(client.read_to_end(), StartsWith("HTTP/1.1 408 "));
  EXPECT_EQ(seen.get_future().get().code(), Code::kDeadlineExceeded);
}

TEST(ServerLimits, BadChunkFramingReachesTheHandlerAndClosesTheConnection) {
  std::promise<Status> seen;
  ServerFixture server([&seen](ServerExchange& e) { return answer_body_error(e, &seen); });
  RawClient client(server.port());
  client.send("POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n" + kGet);
  const std::string all = client.read_to_end();
  EXPECT_THAT(all, StartsWith("HTTP/1.1 400 "));
  EXPECT_EQ(all.find("HTTP/1.1", 1), std::string::npos);
  EXPECT_EQ(seen.get_future().get().code(), Code::kInvalidArgument);
}

TEST(ServerLimits, AClientThatLeavesWithinTheBodyIsCancelled) {
  for (const bool hard : {false, true}) {
    std::promise<Status> seen;
    ServerFixture server([&seen](ServerExchange& e) { return answer_body_error(e, &seen); });
    RawClient client(server.port());
    client.send("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 500\r\n\r\nab");
    hard ? client.reset() : client.close();
    EXPECT_EQ(seen.get_future().get().code(), Code::kCancelled);
  }
}

TEST(ServerLimits, AHalfClosedClientStillGetsItsAnswers) {
  ServerFixture server(answer_ok);
  RawClient client(server.port());
  client.send(kGet + kGet);
  client.shutdown_send();
  EXPECT_THAT(client.read_response(), EndsWith("ok"));
  EXPECT_THAT(client.read_response(), EndsWith("ok"));
  EXPECT_EQ(client.read_to_end(), "");
}

TEST(ServerLimits, ASmallUnreadBodyIsSkippedAndTheConnectionKept) {
  ServerFixture server(answer_ok);
  RawClient client(server.port());
  const std::string body(100000, 'b');
  client.send("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 100000\r\n\r\n" + body + kGet);
  EXPECT_THAT(client.read_response(), EndsWith("ok"));
  EXPECT_THAT(client.read_response(), EndsWith("ok"));
}

TEST(ServerLimits, ALargeUnreadBodyClosesTheConnectionButNotTheAnswer) {
  HttpServerConfig config;
  config.max_drain_bytes = 1000;
  ServerFixture server(answer_ok, config);
  RawClient client(server.port());
  client.send("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 100000\r\n\r\n" +
              std::string(100000, 'b'));
  client.shutdown_send();
  const std::string all = client.read_to_end();
  EXPECT_THAT(all, HasSubstr("connection: close\r\n"));
  EXPECT_THAT(all, EndsWith("ok"));
  EXPECT_FALSE(client.was_reset());
}

// Writes until the client's unread bytes fill the socket.
async::Task<void> flood(ServerExchange& exchange,
                        std::promise<std::pair<Status, std::size_t>>* end) {
  const ResponseHead head;
  (void)co_await exchange.start(head);
  const std::string piece(64 * 1024, 'x');
  std::size_t written = 0;
  for (;;) {
    const Status status = co_await exchange.write(piece);
    if (!status.ok()) {
      end->set_value({status, written});
      co_return;
    }
    written += piece.size();
  }
}

TEST(ServerLimits, AClientThatDoesNotReadStopsTheHandlerAndIsCutOff) {
  std::promise<std::pair<Status, std::size_t>> end;
  HttpServerConfig config;
  config.write_stall_timeout = 20ms;
  ServerFixture server([&end](ServerExchange& e) { return flood(e, &end); }, config);
  RawClient client(server.port(), 4096);
  client.send(kGet);
  const auto [status, written] = end.get_future().get();
  EXPECT_EQ(status.code(), Code::kDeadlineExceeded);
  EXPECT_LT(written, std::size_t{16} << 20);  // only the kernel's socket buffers
}

TEST(ServerLimits, AResetEndsABlockedWrite) {
  std::promise<std::pair<Status, std::size_t>> end;
  HttpServerConfig config;
  config.write_stall_timeout = {};
  ServerFixture server([&end](ServerExchange& e) { return flood(e, &end); }, config);
  RawClient client(server.port(), 4096);
  client.send(kGet);
  client.read_until("\r\n\r\n");
  client.reset();
  EXPECT_EQ(end.get_future().get().first.code(), Code::kCancelled);
}

TEST(ServerLimits, ConnectionsBeyondTheBoundGet503) {
  HttpServerConfig config;
  config.max_connections = 2;
  ServerFixture server(answer_ok, config);
  RawClient one(server.port()), two(server.port());
  for (RawClient* client : {&one, &two}) {
    client->send(kGet);
    EXPECT_THAT(client->read_response(), EndsWith("ok"));
  }
  RawClient three(server.port());
  EXPECT_THAT(three.read_to_end(), StartsWith("HTTP/1.1 503 "));
  EXPECT_EQ(server.server().stats().connections_refused, 1u);
}

// Holds requests until released.
struct Gate {
  std::promise<async::Event*> arrived;
};

async::Task<void> held(ServerExchange& exchange, Gate* gate) {
  async::Event release(exchange.loop());
  gate->arrived.set_value(&release);
  (void)co_await release.wait();
  const ResponseHead head;
  (void)co_await exchange.respond(head, "late");
}

TEST(ServerDrain, FinishesWhatIsInFlightAndClosesIdleConnections) {
  Gate gate;
  ServerFixture server([&gate](ServerExchange& e) {
    return e.request().target == "/held" ? held(e, &gate) : answer_ok(e);
  });
  RawClient idle(server.port()), busy(server.port());
  idle.send(kGet);
  EXPECT_THAT(idle.read_response(), EndsWith("ok"));
  busy.send("GET /held HTTP/1.1\r\nHost: x\r\n\r\n");
  async::Event* release = gate.arrived.get_future().get();
  auto drained = std::async(std::launch::async, [&server] { return server.drain(3600s); });
  EXPECT_EQ(idle.read_to_end(), "");
  server.loop().post([release] { release->set(); });
  const std::string answer = busy.read_to_end();
  EXPECT_THAT(answer, HasSubstr("connection: close\r\n"));
  EXPECT_THAT(answer, EndsWith("late"));
  EXPECT_TRUE(drained.get().ok());
  EXPECT_EQ(server.server().stats().connections_open, 0u);
}

async::Task<void> until_gone(ServerExchange& exchange, std::promise<void>* started) {
  async::Event gone(exchange.loop());
  exchange.on_client_gone([&gone] { gone.set(); });
  started->set_value();
  (void)co_await gone.wait();
}

TEST(ServerDrain, BreaksWhatIsLeftAtTheDeadline) {
  std::promise<void> started;
  ServerFixture server([&started](ServerExchange& e) { return until_gone(e, &started); });
  RawClient client(server.port());
  client.send(kGet);
  started.get_future().get();
  EXPECT_TRUE(server.drain(1ms).ok());
  EXPECT_EQ(client.read_to_end(), "");
}

// Answers when as many requests as asked for have arrived: they are all open at the same time.
struct Crowd {
  explicit Crowd(std::size_t size) : missing(size) {}
  std::size_t missing;
  std::unique_ptr<async::Event> complete;
};

async::Task<void> wait_for_crowd(ServerExchange& exchange, Crowd* crowd) {
  if (crowd->complete == nullptr) crowd->complete = std::make_unique<async::Event>(exchange.loop());
  if (--crowd->missing == 0) crowd->complete->set();
  (void)co_await crowd->complete->wait();
  const ResponseHead head;
  (void)co_await exchange.respond(head, "all here");
}

async::Task<void> join_crowd(HttpClient* client, HostPort address, std::size_t* answered) {
  ClientExchange exchange(*client);
  const RequestHead head;
  const Status sent = co_await exchange.send(address, head);
  if (!sent.ok()) co_return;
  const Result<std::string> body = co_await exchange.read_body(1000);
  if (body.ok() && *body == "all here") ++*answered;
}

async::Task<std::size_t> gather_crowd(HostPort address, std::size_t size) {
  async::Loop& loop = *async::Loop::current();
  HttpClient client(loop);
  async::StopScope scope(loop);
  std::size_t answered = 0;
  for (std::size_t i = 0; i < size; ++i) scope.spawn(join_crowd(&client, address, &answered));
  co_await scope.join();
  co_return answered;
}

TEST(ServerLimits, ServesAThousandConnectionsAtOnce) {
  constexpr std::size_t kClients = 1000;
  rlimit files{};
  ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &files), 0);
  if (files.rlim_cur < 2 * kClients + 100) {
    files.rlim_cur = std::min<rlim_t>(files.rlim_max, 4 * kClients);
    ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &files), 0);
  }
  Crowd crowd(kClients);
  ServerFixture server([&crowd](ServerExchange& e) { return wait_for_crowd(e, &crowd); });
  EXPECT_EQ(server.run(gather_crowd(server.address(), kClients)), kClients);
  EXPECT_EQ(server.server().stats().connections_accepted, kClients);
}

}  // namespace
}  // namespace nacelle::net::http
