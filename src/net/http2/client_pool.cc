#include "net/http2/client_pool.h"

#include <algorithm>
#include <utility>

#include "net/http2/connect.h"

namespace nacelle::net::http2 {

ClientPool::ClientPool(async::Loop& loop, const http::HttpClientConfig& config,
                       std::shared_ptr<http1::ClientPool> names)
    : loop_(loop), config_(config), names_(std::move(names)) {}

ClientPool::~ClientPool() { close_all(); }

std::size_t ClientPool::num_connections() const {
  std::size_t count = 0;
  for (const auto& [address, peer] : peers_) count += peer->sessions.size();
  return count;
}

async::Task<Result<std::shared_ptr<ClientSession>>> ClientPool::acquire(http1::PoolKey key,
                                                                        TimePoint deadline,
                                                                        const bool* given_up) {
  auto& slot = peers_[key];
  if (slot == nullptr) slot = std::make_shared<Peer>(loop_);
  const std::shared_ptr<Peer> peer = slot;
  const std::shared_ptr<ClientPool> self = shared_from_this();
  for (;;) {
    bool unsettled = false;
    for (const auto& session : peer->sessions) {
      if (session->has_room()) co_return session;
      unsettled |= !session->settled() && !session->spent();
    }
    if (closed_) co_return cancelled("the client is closed");
    // A connection whose server has not announced its limit yet may have room in a moment.
    if (!peer->connecting && !unsettled) {
      peer->connecting = true;
      loop_.spawn(connect(self, peer, key, deadline));
    }
    const std::uint64_t failures = peer->failures;
    const Status woken = co_await peer->changed.wait(deadline);
    if (*given_up) co_return cancelled("cancelled while connecting");
    if (woken.code() == Code::kDeadlineExceeded) {
      co_return deadline_exceeded("connecting to {} took too long", key.address.to_string());
    }
    if (!woken.ok()) co_return woken;
    if (peer->failures != failures) co_return peer->failure;
  }
}

async::Task<void> ClientPool::connect(std::shared_ptr<ClientPool> self, std::shared_ptr<Peer> peer,
                                      http1::PoolKey key, TimePoint deadline) {
  Status failure;
  Result<std::vector<TcpEndpoint>> endpoints =
      co_await self->names_->find_endpoints(key.address, deadline);
  if (endpoints.ok()) {
    Result<Socket> socket =
        co_await connect_any(self->loop_, key.address, std::move(*endpoints), deadline);
    if (socket.ok() && !self->closed_) {
      auto session = std::make_shared<ClientSession>(self->loop_, std::move(*socket), self, key,
                                                     self->config_);
      failure = co_await session->secure(deadline);
      if (failure.ok()) {
        peer->sessions.push_back(session);
        self->loop_.spawn(ClientSession::serve(session));
        if (self->closed_) session->retire();
      } else {
        co_await session->abandon();
      }
    } else {
      failure = socket.status();
    }
  } else {
    failure = endpoints.error();
  }
  peer->connecting = false;
  if (!failure.ok()) {
    peer->failure = failure;
    ++peer->failures;
  }
  peer->changed.pulse();
}

void ClientPool::wake(const http1::PoolKeyView& key) {
  const auto found = peers_.find(key);
  if (found != peers_.end()) found->second->changed.pulse();
}

void ClientPool::session_changed(ClientSession& session) {
  const auto found = peers_.find(session.key());
  if (found == peers_.end()) return;
  Peer& peer = *found->second;
  if (session.spent()) {
    std::erase_if(peer.sessions, [&session](const auto& entry) { return entry.get() == &session; });
  }
  peer.changed.pulse();
  if (peer.sessions.empty() && !peer.connecting && found->second.use_count() == 1) {
    peers_.erase(found);
  }
}

void ClientPool::forget(const HostPort& address) {
  for (const auto& [key, peer] : peers_) {
    if (key.address != address) continue;
    const auto sessions = std::exchange(peer->sessions, {});
    for (const auto& session : sessions) session->retire();
  }
}

void ClientPool::close_all() {
  closed_ = true;
  auto peers = std::exchange(peers_, {});
  for (auto& [address, peer] : peers) {
    for (const auto& session : peer->sessions) session->retire();
    peer->changed.pulse();
  }
}

}  // namespace nacelle::net::http2
