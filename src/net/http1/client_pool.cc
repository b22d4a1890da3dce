#include "net/http1/client_pool.h"

#include <algorithm>
#include <utility>

#include "net/http1/client_call.h"

namespace nacelle::net::http1 {

namespace {

constexpr std::size_t kMaxSpareCalls = 64;
constexpr std::size_t kMaxResolved = 1024;  // names; beyond it the cache starts anew

async::Task<void> settle(std::unique_ptr<ClientConnection> connection) {
  co_await connection->stream.settle();
}

}  // namespace

ClientConnection::ClientConnection(async::Loop& loop, Socket socket, PoolKey key)
    : stream(loop, std::move(socket), &ClientConnection::on_end, this),
      peer(std::move(key)),
      idle_deadline(loop, &ClientConnection::on_idle_timeout, this) {}

void ClientConnection::on_end(void* self) {
  auto* connection = static_cast<ClientConnection*>(self);
  if (connection->idle_in != nullptr) connection->idle_in->remove_idle(connection);
}

void ClientConnection::on_idle_timeout(void* self) { on_end(self); }

ClientPool::ClientPool(async::Loop& loop, const http::HttpClientConfig& config)
    : loop_(loop), config_(config) {}

ClientPool::~ClientPool() { close_all(); }

std::unique_ptr<ClientCall> ClientPool::take_call() {
  if (spare_calls_.empty()) return std::make_unique<ClientCall>(loop_);
  std::unique_ptr<ClientCall> call = std::move(spare_calls_.back());
  spare_calls_.pop_back();
  return call;
}

void ClientPool::recycle(std::unique_ptr<ClientCall> call) {
  if (spare_calls_.size() < kMaxSpareCalls) spare_calls_.push_back(std::move(call));
}

std::unique_ptr<ClientConnection> ClientPool::acquire(const HostPort& address,
                                                      const TlsClientContext* tls) {
  const auto found = idle_.find(PoolKeyView(address, tls));
  if (found == idle_.end()) return nullptr;
  auto& list = found->second;
  while (!list.empty()) {
    std::unique_ptr<ClientConnection> connection = std::move(list.back());
    list.pop_back();
    --num_idle_;
    connection->idle_in = nullptr;
    connection->idle_deadline.disarm();
    const bool usable = connection->stream.end() == Stream::End::kOpen &&
                        !connection->stream.closed() && connection->stream.input().empty();
    if (usable) return connection;
    retire(std::move(connection));
  }
  return nullptr;
}

void ClientPool::release(std::unique_ptr<ClientConnection> connection) {
  Stream& stream = connection->stream;
  auto& list = idle_[connection->peer];
  if (closed_ || stream.end() != Stream::End::kOpen || stream.closed() || !stream.input().empty() ||
      list.size() >= config_.max_idle_per_endpoint) {
    retire(std::move(connection));
    return;
  }
  stream.watch();
  connection->idle_in = this;
  connection->idle_deadline.arm_after(config_.idle_timeout);
  list.push_back(std::move(connection));
  ++num_idle_;
}

void ClientPool::retire(std::unique_ptr<ClientConnection> connection) {
  connection->idle_in = nullptr;
  connection->idle_deadline.disarm();
  connection->stream.close(Stream::Close::kOrderly);
  async::Loop& loop = connection->stream.loop();
  loop.spawn(settle(std::move(connection)));
}

void ClientPool::remove_idle(ClientConnection* connection) {
  const auto found = idle_.find(connection->peer);
  if (found == idle_.end()) return;
  auto& list = found->second;
  const auto at = std::find_if(list.begin(), list.end(), [connection](const auto& entry) {
    return entry.get() == connection;
  });
  if (at == list.end()) return;
  std::unique_ptr<ClientConnection> owned = std::move(*at);
  list.erase(at);
  --num_idle_;
  if (list.empty()) idle_.erase(found);
  retire(std::move(owned));
}

void ClientPool::forget(const HostPort& address) {
  resolved_.erase(address);
  for (auto entry = idle_.begin(); entry != idle_.end();) {
    if (entry->first.address != address) {
      ++entry;
      continue;
    }
    auto list = std::move(entry->second);
    entry = idle_.erase(entry);
    num_idle_ -= list.size();
    for (auto& connection : list) retire(std::move(connection));
  }
}

void ClientPool::close_all() {
  closed_ = true;
  auto all = std::exchange(idle_, {});
  num_idle_ = 0;
  for (auto& [address, list] : all) {
    for (auto& connection : list) retire(std::move(connection));
  }
}

async::Task<Result<std::vector<TcpEndpoint>>> ClientPool::find_endpoints(HostPort address,
                                                                         TimePoint deadline) {
  if (const auto literal = literal_endpoint(address)) {
    co_return std::vector<TcpEndpoint>{*literal};
  }
  const TimePoint now = std::chrono::steady_clock::now();
  if (const auto known = resolved_.find(address); known != resolved_.end()) {
    if (now < known->second.valid_until) co_return known->second.endpoints;
    resolved_.erase(known);
  }
  Result<std::vector<TcpEndpoint>> found = co_await resolve(address, deadline);
  if (found.ok()) {
    if (resolved_.size() >= kMaxResolved) resolved_.clear();
    resolved_[address] = {*found, std::chrono::steady_clock::now() + config_.dns_ttl};
  }
  co_return found;
}

}  // namespace nacelle::net::http1
