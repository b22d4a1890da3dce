// client_pool.h: idle keep-alive connections of one loop, by endpoint.
//
// An idle connection keeps a read outstanding, so one that its peer closes leaves the pool at once,
// and one that receives bytes nobody asked for is not used again.
//
// Home:    one loop. Shared by the client and its exchanges.
// Bound:   max_idle_per_endpoint connections, idle_timeout each; the newest is used first.
#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <unordered_map>
#include <vector>

#include "async/deadline.h"
#include "async/loop.h"
#include "base/result.h"
#include "net/address.h"
#include "net/http/client.h"
#include "net/stream.h"
#include "net/tls/client_context.h"

namespace nacelle::net::http1 {

class ClientCall;
class ClientPool;

// A connection serves only requests to its address under its TLS configuration.
struct PoolKey {
  PoolKey(HostPort to, std::shared_ptr<const TlsClientContext> under)
      : address(std::move(to)), tls(std::move(under)) {}

  HostPort address;
  std::shared_ptr<const TlsClientContext> tls;  // null = plain
};
struct PoolKeyView {
  PoolKeyView(const PoolKey& key) : address(key.address), tls(key.tls.get()) {}  // NOLINT
  PoolKeyView(const HostPort& a, const TlsClientContext* t) : address(a), tls(t) {}

  const HostPort& address;
  const TlsClientContext* tls;
};
struct PoolKeyHash {
  using is_transparent = void;
  std::size_t operator()(const PoolKeyView& key) const noexcept {
    return std::hash<HostPort>{}(key.address) ^ std::hash<const void*>{}(key.tls);
  }
};
struct PoolKeyEqual {
  using is_transparent = void;
  bool operator()(const PoolKeyView& a, const PoolKeyView& b) const noexcept {
    return a.tls == b.tls && a.address == b.address;
  }
};

struct ClientConnection {
  ClientConnection(async::Loop& loop, Socket socket, PoolKey key);
  static void on_end(void* self);
  static void on_idle_timeout(void* self);

  Stream stream;
  const PoolKey peer;
  ClientPool* idle_in = nullptr;  // set while it rests in the pool
  async::Deadline idle_deadline;
};

class ClientPool {
 public:
  ClientPool(async::Loop& loop, const http::HttpClientConfig& config);
  ~ClientPool();

  [[nodiscard]] async::Loop& loop() { return loop_; }
  [[nodiscard]] const http::HttpClientConfig& config() const { return config_; }
  [[nodiscard]] std::size_t num_idle() const { return num_idle_; }

  // The newest usable connection, or nullptr.
  [[nodiscard]] std::unique_ptr<ClientConnection> acquire(const HostPort& address,
                                                          const TlsClientContext* tls);
  // Takes a connection whose last response was read to its exact end.
  void release(std::unique_ptr<ClientConnection> connection);
  // Closes a connection; it is destroyed when its operations have ended.
  static void retire(std::unique_ptr<ClientConnection> connection);
  void remove_idle(ClientConnection* connection);
  void forget(const HostPort& address);
  void close_all();

  // Call objects that were used before keep their memory.
  [[nodiscard]] std::unique_ptr<ClientCall> take_call();
  void recycle(std::unique_ptr<ClientCall> call);

  // Literal addresses at once; names from the cache or the resolver.
  [[nodiscard]] async::Task<Result<std::vector<TcpEndpoint>>> find_endpoints(HostPort address,
                                                                             TimePoint deadline);

 private:
  struct Resolved {
    std::vector<TcpEndpoint> endpoints;
    TimePoint valid_until;
  };

  async::Loop& loop_;
  const http::HttpClientConfig config_;
  std::unordered_map<PoolKey, std::vector<std::unique_ptr<ClientConnection>>, PoolKeyHash,
                     PoolKeyEqual>
      idle_;
  std::unordered_map<HostPort, Resolved> resolved_;
  std::vector<std::unique_ptr<ClientCall>> spare_calls_;
  std::size_t num_idle_ = 0;
  bool closed_ = false;
};

}  // namespace nacelle::net::http1
