// Two Streams of one loop with TLS between them: order, bounds, and how an end looks.
#include <sys/socket.h>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "async/runtime.h"
#include "async/task_scope.h"
#include "async/timer.h"
#include "net/stream.h"
#include "net/testing/test_ca.h"
#include "net/tls/info.h"
#include "net/tls/session.h"

namespace nacelle::net {
namespace {

struct Contexts {
  std::shared_ptr<const TlsServerContext> server;
  std::shared_ptr<const TlsClientContext> client;
};

Contexts make_contexts(TlsVersion version) {
  const testing::TestCa ca;
  TlsServerConfig server;
  server.certificates.push_back(testing::use(ca.issue({"a.test", "10.1.2.3"})));
  server.min_version = version;
  TlsClientConfig client;
  client.ca = ca.trusted();
  client.server_name = "a.test";
  if (version == TlsVersion::kTls12) client.ciphers = "ECDHE+AESGCM";
  return {*TlsServerContext::create(server), *TlsClientContext::create(client)};
}

// Two connected streams; `buffer_bytes` makes the kernel's buffers small, so that writes stall.
struct Pair {
  explicit Pair(async::Loop& loop, int buffer_bytes = 0) {
    namespace ip = boost::asio::ip;
    boost::asio::basic_socket_acceptor<ip::tcp, async::Executor> acceptor(
        loop.executor(), ip::tcp::endpoint(ip::address_v4::loopback(), 0));
    Socket near(loop.executor());
    near.connect(acceptor.local_endpoint());
    Socket far = acceptor.accept();
    for (Socket* socket : {&near, &far}) {
      if (buffer_bytes == 0) continue;
      (void)::setsockopt(socket->native_handle(), SOL_SOCKET, SO_SNDBUF, &buffer_bytes,
                         sizeof(int));
      (void)::setsockopt(socket->native_handle(), SOL_SOCKET, SO_RCVBUF, &buffer_bytes,
                         sizeof(int));
    }
    client_fd = near.native_handle();
    client = std::make_unique<Stream>(loop, std::move(near), &Pair::on_end, this);
    server = std::make_unique<Stream>(loop, std::move(far), &Pair::on_end, this);
  }
  static void on_end(void* self) { ++static_cast<Pair*>(self)->num_ends; }

  std::unique_ptr<Stream> client, server;
  Status client_status, server_status;
  int num_ends = 0;
  int client_fd = -1;
};

TimePoint soon() { return std::chrono::steady_clock::now() + 20s; }

async::Task<void> shake_server(Pair* pair, std::shared_ptr<const TlsServerContext> context) {
  pair->server_status =
      co_await pair->server->handshake(TlsSession::accept(std::move(context)), soon());
}

async::Task<void> shake_hands(Pair* pair, Contexts contexts) {
  async::StopScope scope(*async::Loop::current());
  scope.spawn(shake_server(pair, contexts.server));
  pair->client_status =
      co_await pair->client->handshake(TlsSession::connect(contexts.client, "ignored"), soon());
  co_await scope.join();
}

async::Task<void> settle(Pair* pair) {
  co_await pair->client->settle();
  co_await pair->server->settle();
}

void run(async::Task<void> (*body)(Contexts), TlsVersion version = TlsVersion::kTls13) {
  async::Runtime runtime(1);
  runtime.start();
  async::run_blocking(runtime.loop(0), body(make_contexts(version)));
}

async::Task<void> check_info(Contexts contexts) {
  Pair pair(*async::Loop::current());
  EXPECT_EQ(pair.client->tls(), nullptr);
  co_await shake_hands(&pair, contexts);
  EXPECT_TRUE(pair.client_status.ok()) << pair.client_status.message();
  EXPECT_TRUE(pair.server_status.ok()) << pair.server_status.message();
  const TlsInfo* near = pair.client->tls();
  const TlsInfo* far = pair.server->tls();
  CHECK(near != nullptr && far != nullptr && near->peer.has_value());
  EXPECT_EQ(near->version, "TLSv1.3");
  EXPECT_EQ(near->cipher, far->cipher);
  EXPECT_EQ(near->alpn, "http/1.1");
  EXPECT_EQ(far->server_name, "a.test");
  EXPECT_EQ(near->peer->subject, "CN=a.test");
  EXPECT_EQ(near->peer->issuer, "CN=Test CA");
  EXPECT_EQ(near->peer->dns_names, std::vector<std::string>{"a.test"});
  EXPECT_EQ(near->peer->ip_addresses, std::vector<std::string>{"10.1.2.3"});
  EXPECT_EQ(near->peer->sha256.size(), 64u);
  EXPECT_TRUE(near->peer->verified);
  EXPECT_FALSE(far->peer.has_value());
  co_await settle(&pair);
}
TEST(StreamTls, TellsWhatWasAgreed) { run(check_info); }

std::string pattern(std::size_t size, unsigned seed) {
  std::string out(size, '\0');
  for (std::size_t i = 0; i < size; ++i) {
    out[i] = static_cast<char>((i * 131 + i / 251 + seed) & 0xff);
  }
  return out;
}

// Sends `data` as gathered pieces of many sizes, with try_write() and write() in turn.
async::Task<void> send_all(Stream* stream, const std::string* data) {
  constexpr std::size_t kSizes[] = {1, 17, 5000, 16384, 16385, 70000, 3, 40000};
  std::size_t at = 0;
  for (int round = 0; at < data->size(); ++round) {
    Gather pieces;
    for (std::size_t i = 0; !pieces.full() && at < data->size(); ++i) {
      const std::size_t size =
          std::min(kSizes[(i + static_cast<std::size_t>(round)) % 8], data->size() - at);
      pieces.add(std::string_view(*data).substr(at, size));
      at += size;
    }
    if (round % 2 == 0) {
      const Status tried = stream->try_write(pieces);
      EXPECT_TRUE(tried.ok()) << tried.message();
      if (pieces.empty()) continue;
    }
    const Status sent = co_await stream->write(pieces, 20s);
    EXPECT_TRUE(sent.ok()) << sent.message();
    if (!sent.ok()) co_return;
  }
  stream->shutdown_send();
}

// Reads to the end in small steps, letting the others run in between: a slow reader.
async::Task<void> receive_all(Stream* stream, std::string* out) {
  for (;;) {
    const Result<bool> more = co_await stream->more_input(soon(), 4096);
    EXPECT_TRUE(more.ok()) << more.status().message();
    if (!more.ok() || !*more) co_return;
    out->append(stream->input().unread());
    stream->input().consume(stream->input().size());
    co_await async::sleep_for(Duration::zero());
  }
}

async::Task<void> check_both_ways(Contexts contexts) {
  Pair pair(*async::Loop::current(), 65536);
  co_await shake_hands(&pair, contexts);
  const std::string up = pattern(300'001, 1), down = pattern(250'003, 7);
  std::string got_up, got_down;
  async::StopScope scope(*async::Loop::current());
  scope.spawn(send_all(pair.client.get(), &up));
  scope.spawn(send_all(pair.server.get(), &down));
  scope.spawn(receive_all(pair.server.get(), &got_up));
  scope.spawn(receive_all(pair.client.get(), &got_down));
  co_await scope.join();
  EXPECT_TRUE(got_up == up);
  EXPECT_TRUE(got_down == down);
  EXPECT_EQ(pair.client->end(), Stream::End::kEof);
  EXPECT_EQ(pair.server->end(), Stream::End::kEof);
  EXPECT_EQ(pair.num_ends, 2);
  co_await settle(&pair);
}
TEST(StreamTls, LargeBodiesBothWaysWithSlowReaders) { run(check_both_ways); }
TEST(StreamTls, LargeBodiesBothWaysWithSlowReadersTls12) {
  run(check_both_ways, TlsVersion::kTls12);
}

async::Task<void> check_back_pressure(Contexts contexts) {
  Pair pair(*async::Loop::current(), 8192);
  co_await shake_hands(&pair, contexts);
  // Nobody reads: what leaves is what the kernel holds and one record.
  const std::string data = pattern(16 << 20, 3);
  Gather pieces;
  pieces.add(data);
  EXPECT_TRUE(pair.server->try_write(pieces).ok());
  const std::size_t first = data.size() - pieces.total();
  EXPECT_LT(first, std::size_t{2} << 20);
  for (int i = 0; i < 100; ++i) EXPECT_TRUE(pair.server->try_write(pieces).ok());
  EXPECT_LE(data.size() - pieces.total(), first + 2 * 16384);
  const Status stalled = co_await pair.server->write_rest(pieces, 30ms);
  EXPECT_EQ(stalled.code(), Code::kDeadlineExceeded);
  co_await settle(&pair);
}
TEST(StreamTls, AReaderThatStopsStopsTheWriter) { run(check_back_pressure); }

// A record that the socket did not take leaves by itself when the peer reads again.
async::Task<void> check_kept_record(Contexts contexts) {
  Pair pair(*async::Loop::current(), 8192);
  co_await shake_hands(&pair, contexts);
  const std::string data = pattern(16 << 20, 5);
  Gather pieces;
  pieces.add(data);
  EXPECT_TRUE(pair.server->try_write(pieces).ok());
  const std::size_t accepted = data.size() - pieces.total();
  std::string got;
  while (got.size() < accepted) {
    const Result<bool> more = co_await pair.client->more_input(soon(), 65536);
    if (!more.ok() || !*more) break;
    got.append(pair.client->input().unread());
    pair.client->input().consume(pair.client->input().size());
  }
  EXPECT_TRUE(got == data.substr(0, accepted));
  co_await settle(&pair);
}
TEST(StreamTls, WhatTryWriteTookArrivesWithoutAnotherCall) { run(check_kept_record); }

// settle() still delivers what try_write() took.
async::Task<void> settle_one(Stream* stream) { co_await stream->settle(); }
async::Task<void> check_settle_delivers(Contexts contexts) {
  Pair pair(*async::Loop::current(), 8192);
  co_await shake_hands(&pair, contexts);
  const std::string data = pattern(16 << 20, 9);
  Gather pieces;
  pieces.add(data);
  EXPECT_TRUE(pair.server->try_write(pieces).ok());
  const std::size_t accepted = data.size() - pieces.total();
  std::string got;
  async::StopScope scope(*async::Loop::current());
  scope.spawn(settle_one(pair.server.get()));
  co_await receive_all(pair.client.get(), &got);
  co_await scope.join();
  EXPECT_EQ(got.size(), accepted);
  EXPECT_EQ(pair.client->end(), Stream::End::kEof);
  co_await settle(&pair);
}
TEST(StreamTls, SettleDeliversAndSaysGoodbye) { run(check_settle_delivers); }

async::Task<void> check_ends(Contexts contexts) {
  for (const Stream::Close how : {Stream::Close::kOrderly, Stream::Close::kAbrupt}) {
    Pair pair(*async::Loop::current());
    co_await shake_hands(&pair, contexts);
    pair.server->watch();
    pair.client->close(how);
    const Result<bool> more = co_await pair.server->more_input(soon());
    if (how == Stream::Close::kOrderly) {
      EXPECT_TRUE(more.ok() && !*more);
      EXPECT_EQ(pair.server->end(), Stream::End::kEof);
    } else {
      EXPECT_EQ(more.status().code(), Code::kCancelled);
      EXPECT_EQ(pair.server->end(), Stream::End::kBroken);
      EXPECT_NE(pair.server->tls_session()->error(), "");
    }
    EXPECT_EQ(pair.num_ends, 1);
    co_await settle(&pair);
  }
}
TEST(StreamTls, AnEndWithoutCloseNotifyIsBroken) { run(check_ends); }
TEST(StreamTls, AnEndWithoutCloseNotifyIsBrokenTls12) { run(check_ends, TlsVersion::kTls12); }

async::Task<void> check_half_close(Contexts contexts) {
  Pair pair(*async::Loop::current());
  co_await shake_hands(&pair, contexts);
  pair.client->shutdown_send();
  const Result<bool> ended = co_await pair.server->more_input(soon());
  EXPECT_TRUE(ended.ok() && !*ended);
  Gather answer;
  answer.add("still here");
  EXPECT_TRUE((co_await pair.server->write(answer, 1s)).ok());
  const Result<bool> more = co_await pair.client->more_input(soon());
  EXPECT_TRUE(more.ok() && *more);
  EXPECT_EQ(pair.client->input().unread(), "still here");
  co_await settle(&pair);
}
TEST(StreamTls, AnswersAfterThePeerSaidGoodbye) { run(check_half_close); }

async::Task<void> close_soon(Stream* stream) {
  stream->close();
  co_return;
}
async::Task<void> check_closed_handshake(Contexts contexts) {
  Pair pair(*async::Loop::current());
  async::StopScope scope(*async::Loop::current());
  scope.spawn(close_soon(pair.server.get()));
  const Status status =
      co_await pair.server->handshake(TlsSession::accept(contexts.server), soon());
  EXPECT_EQ(status.code(), Code::kCancelled);
  const Status late =
      co_await pair.client->handshake(TlsSession::connect(contexts.client, "a.test"), soon());
  EXPECT_EQ(late.code(), Code::kUnavailable);
  co_await scope.join();
  co_await settle(&pair);
}
TEST(StreamTls, CloseEndsAHandshake) { run(check_closed_handshake); }

async::Task<void> check_corrupt_record(Contexts contexts) {
  Pair pair(*async::Loop::current());
  co_await shake_hands(&pair, contexts);
  // A record that no key of this connection made, put on the wire below TLS.
  const std::string forged = std::string("\x17\x03\x03\x00\x20", 5) + std::string(32, 'x');
  EXPECT_EQ(::send(pair.client_fd, forged.data(), forged.size(), MSG_NOSIGNAL),
            static_cast<ssize_t>(forged.size()));
  const Result<bool> more = co_await pair.server->more_input(soon());
  EXPECT_EQ(more.status().code(), Code::kCancelled);
  EXPECT_EQ(pair.server->end(), Stream::End::kBroken);
  Gather pieces;
  pieces.add("x");
  EXPECT_FALSE(pair.server->try_write(pieces).ok());
  co_await settle(&pair);
}
TEST(StreamTls, AForgedRecordBreaksTheStream) { run(check_corrupt_record); }

}  // namespace
}  // namespace nacelle::net
