// client_pool.h: the HTTP/2 connections of one loop, by address and TLS context, each shared by
// many calls.
//
// A call takes the first connection with room. When none has any, one connection is opened at a
// time per address and the calls that need it wait together.
//
// Home:    one loop. Shared by the client and its calls.
// Bound:   connections that no stream uses close after HttpClientConfig::idle_timeout.
#pragma once

#include <cstddef>
#include <memory>
#include <unordered_map>
#include <vector>

#include "async/event.h"
#include "async/loop.h"
#include "async/task.h"
#include "base/result.h"
#include "net/address.h"
#include "net/http/client.h"
#include "net/http1/client_pool.h"
#include "net/http2/client_session.h"

namespace nacelle::net::http2 {

class ClientPool : public std::enable_shared_from_this<ClientPool> {
 public:
  // Names are resolved by the HTTP/1 pool, whose cache they share.
  ClientPool(async::Loop& loop, const http::HttpClientConfig& config,
             std::shared_ptr<http1::ClientPool> names);
  ~ClientPool();

  [[nodiscard]] async::Loop& loop() { return loop_; }
  [[nodiscard]] const http::HttpClientConfig& config() const { return config_; }
  [[nodiscard]] std::size_t num_connections() const;

  // A connection with room for one more stream, which the caller must open before it awaits again.
  // Gives up when `*given_up` is true after a wake().
  [[nodiscard]] async::Task<Result<std::shared_ptr<ClientSession>>> acquire(http1::PoolKey key,
                                                                            TimePoint deadline,
                                                                            const bool* given_up);
  // Makes the calls that wait for a connection to the address look again.
  void wake(const http1::PoolKeyView& key);
  void session_changed(ClientSession& session);
  void forget(const HostPort& address);
  void close_all();

 private:
  struct Peer {
    explicit Peer(async::Loop& loop) : changed(loop) {}
    std::vector<std::shared_ptr<ClientSession>> sessions;
    async::Event changed;  // pulsed when a call that waits should look again
    Status failure;        // of the last attempt to connect
    std::uint64_t failures = 0;
    bool connecting = false;
  };

  static async::Task<void> connect(std::shared_ptr<ClientPool> self, std::shared_ptr<Peer> peer,
                                   http1::PoolKey key, TimePoint deadline);

  async::Loop& loop_;
  const http::HttpClientConfig config_;
  std::shared_ptr<http1::ClientPool> names_;
  std::unordered_map<http1::PoolKey, std::shared_ptr<Peer>, http1::PoolKeyHash, http1::PoolKeyEqual>
      peers_;
  bool closed_ = false;
};

}  // namespace nacelle::net::http2
