#include "net/http/server.h"

#include <utility>
#include <vector>

#include <boost/asio/basic_socket_acceptor.hpp>
#include <boost/asio/ip/tcp.hpp>

#include "async/mailbox.h"
#include "async/timer.h"
#include "base/check.h"
#include "net/http1/server_connection.h"
#include "net/http1/server_context.h"
#include "net/listener.h"
#include "telemetry/log.h"

namespace nacelle::net::http {

namespace {

namespace asio = boost::asio;
using Acceptor = asio::basic_socket_acceptor<asio::ip::tcp, async::Executor>;
using http1::ServerConnection;
using http1::ServerContext;

constexpr Duration kAcceptPause = 20ms;  // after an error such as too many open files
constexpr std::string_view kTooMany =
    "HTTP/1.1 503 Service Unavailable\r\ncontent-length: 0\r\nconnection: close\r\nretry-after: "
    "1\r\n\r\n";

// The part of the server that lives on one loop. Connections keep it alive.
struct Shard : std::enable_shared_from_this<Shard> {
  Shard(async::Loop& loop, const HttpServerConfig& config, Handler handler,
        RefusalFormatter refusal, std::shared_ptr<http1::ServerCounters> counters)
      : context(loop, config, std::move(handler), std::move(refusal), std::move(counters)),
        acceptor(loop.executor()) {}

  // Connections share the shard's life through its context.
  std::shared_ptr<ServerContext> shared_context() { return {shared_from_this(), &context}; }

  static async::Task<void> accept_all(std::shared_ptr<Shard> self);
  void take(net::Socket socket, const TcpEndpoint& peer);
  void begin_drain();
  void break_all();

  ServerContext context;
  Acceptor acceptor;
};

async::Task<void> Shard::accept_all(std::shared_ptr<Shard> self) {
  bool reported = false;
  while (self->acceptor.is_open()) {
    TcpEndpoint peer;
    auto [error, socket] = co_await self->acceptor.async_accept(peer, async::as_tuple);
    if (!error) {
      reported = false;
      self->take(std::move(socket), peer);
      continue;
    }
    if (error == asio::error::operation_aborted || !self->acceptor.is_open()) co_return;
    if (error == asio::error::connection_aborted) continue;
    if (!std::exchange(reported, true)) {
      log::error("cannot accept connections", {{"reason", error.message()}});
    }
    co_await async::sleep_for(kAcceptPause);
  }
}

void Shard::take(net::Socket socket, const TcpEndpoint& peer) {
  auto& counters = *context.counters;
  counters.accepted.fetch_add(1, std::memory_order_relaxed);
  const std::uint64_t open = counters.open.fetch_add(1, std::memory_order_relaxed) + 1;
  if (open > context.config.max_connections) {
    counters.open.fetch_sub(1, std::memory_order_relaxed);
    counters.refused.fetch_add(1, std::memory_order_relaxed);
    if (context.config.tls != nullptr) return;  // a handshake is not worth a 503
    boost::system::error_code ignored;
    socket.non_blocking(true, ignored);
    socket.write_some(asio::buffer(kTooMany), ignored);
    socket.shutdown(net::Socket::shutdown_send, ignored);
    return;
  }
  boost::system::error_code ignored;
  socket.set_option(asio::ip::tcp::no_delay(true), ignored);
  auto connection = std::make_unique<ServerConnection>(shared_context(), std::move(socket), peer);
  context.loop.spawn(ServerConnection::serve(std::move(connection)));
}

void Shard::begin_drain() {
  context.draining = true;
  boost::system::error_code ignored;
  acceptor.close(ignored);
  for (ServerConnection* c = context.first; c != nullptr; c = c->next()) c->begin_drain();
}

void Shard::break_all() {
  begin_drain();
  for (ServerConnection* c = context.first; c != nullptr;) {
    ServerConnection* following = c->next();
    c->break_now();
    c = following;
  }
}

// Reports to `done` when the shard has no connection left.
async::Task<void> drain_shard(std::shared_ptr<Shard> shard,
                              std::shared_ptr<async::Mailbox<int>> done) {
  shard->begin_drain();
  while (shard->context.num_connections > 0) {
    (void)co_await shard->context.changed.wait();
  }
  (void)done->post(1);
}

}  // namespace

struct HttpServer::Impl {
  Impl(async::Runtime& r, Listener l) : runtime(r), listener(std::move(l)) {}

  async::Runtime& runtime;
  Listener listener;
  std::shared_ptr<http1::ServerCounters> counters = std::make_shared<http1::ServerCounters>();
  std::vector<std::shared_ptr<Shard>> shards;  // one per loop
  bool listening = false;
};

HttpServer::HttpServer(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}

HttpServer::~HttpServer() {
  for (auto& shard : impl_->shards) {
    shard->context.loop.post([shard] { shard->break_all(); });
  }
}

Result<std::unique_ptr<HttpServer>> HttpServer::bind(async::Runtime& runtime,
                                                     HttpServerConfig config, Handler handler,
                                                     RefusalFormatter refusal) {
  ASSIGN_OR_RETURN(Listener listener, Listener::bind(config.address, runtime.size()));
  auto impl = std::make_unique<Impl>(runtime, std::move(listener));
  for (std::size_t i = 0; i < runtime.size(); ++i) {
    impl->shards.push_back(
        std::make_shared<Shard>(runtime.loop(i), config, handler, refusal, impl->counters));
  }
  return std::unique_ptr<HttpServer>(new HttpServer(std::move(impl)));
}

std::uint16_t HttpServer::port() const { return impl_->listener.port(); }
const TcpEndpoint& HttpServer::endpoint() const { return impl_->listener.endpoint(); }

Status HttpServer::listen() {
  CHECK(!impl_->listening);
  RETURN_IF_ERROR(impl_->listener.listen(impl_->shards.front()->context.config.backlog));
  impl_->listening = true;
  for (std::size_t i = 0; i < impl_->shards.size(); ++i) {
    auto& shard = impl_->shards[i];
    shard->context.loop.post([shard, fd = impl_->listener.take(i), endpoint = endpoint()] {
      boost::system::error_code error;
      shard->acceptor.assign(endpoint.protocol(), fd, error);
      if (error) {
        log::error("cannot accept on a bound socket", {{"reason", error.message()}});
        return;
      }
      shard->context.loop.spawn(Shard::accept_all(shard));
    });
  }
  return {};
}

async::Task<Status> HttpServer::drain(TimePoint deadline) {
  async::Loop* home = async::Loop::current();
  CHECK(home != nullptr);
  auto done = std::make_shared<async::Mailbox<int>>(*home, impl_->shards.size());
  const std::vector<std::shared_ptr<Shard>> shards = impl_->shards;
  for (const auto& shard : shards) shard->context.loop.spawn(drain_shard(shard, done));

  std::size_t num_done = 0;
  bool broken = false;
  std::vector<int> batch;
  while (num_done < shards.size()) {
    const Status received = co_await done->receive(batch, deadline);
    num_done += batch.size();
    if (received.ok()) continue;
    if (received.code() != Code::kDeadlineExceeded) co_return received;
    if (broken) co_return deadline_exceeded("a request handler did not end after its client left");
    broken = true;
    deadline = std::chrono::steady_clock::now() + 1s;
    for (const auto& shard : shards) shard->context.loop.post([shard] { shard->break_all(); });
  }
  co_return Status();
}

HttpServerStats HttpServer::stats() const {
  const auto& counters = *impl_->counters;
  HttpServerStats stats;
  stats.connections_open = counters.open.load(std::memory_order_relaxed);
  stats.connections_accepted = counters.accepted.load(std::memory_order_relaxed);
  stats.connections_refused = counters.refused.load(std::memory_order_relaxed);
  stats.requests = counters.requests.load(std::memory_order_relaxed);
  stats.requests_refused = counters.requests_refused.load(std::memory_order_relaxed);
  stats.tls_handshakes = counters.tls_handshakes.load(std::memory_order_relaxed);
  stats.tls_failures = counters.tls_failures.load(std::memory_order_relaxed);
  stats.tls_refused = counters.tls_refused.load(std::memory_order_relaxed);
  return stats;
}

}  // namespace nacelle::net::http
