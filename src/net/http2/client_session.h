// client_session.h: a connection to an HTTP/2 server, shared by the calls to its address.
//
// Home:    one loop. Owned by its serve() coroutine, the pool and the calls on it.
#pragma once

#include <cstddef>
#include <memory>

#include "async/deadline.h"
#include "net/address.h"
#include "net/http/client.h"
#include "net/http1/client_pool.h"
#include "net/http2/session.h"

namespace nacelle::net::http2 {

class ClientCall;
class ClientPool;

// The socket, in a base so that it is there before the session and after it.
struct ClientTransport {
  ClientTransport(async::Loop& loop, Socket socket)
      : transport(loop, std::move(socket), nullptr, nullptr) {}
  Stream transport;
};

class ClientSession final : private ClientTransport, public Session {
 public:
  ClientSession(async::Loop& loop, Socket socket, std::weak_ptr<ClientPool> pool,
                http1::PoolKey key, const http::HttpClientConfig& config);
  ~ClientSession() override;

  // TLS, when its key says so, before serve(). On an error the caller awaits abandon().
  [[nodiscard]] async::Task<Status> secure(TimePoint deadline);
  [[nodiscard]] async::Task<void> abandon();
  // Reads until the connection ends. Spawned once.
  static async::Task<void> serve(std::shared_ptr<ClientSession> self);

  // True when another stream may be opened.
  [[nodiscard]] bool has_room();
  // No further stream will ever be opened here.
  [[nodiscard]] bool spent() const { return going_away_ || lost() || closing_; }
  // The server has announced its limits.
  [[nodiscard]] bool settled() const { return settled_; }
  [[nodiscard]] bool going_away() const { return going_away_; }
  [[nodiscard]] bool used() const { return used_; }
  [[nodiscard]] std::uint64_t bytes_read() const { return transport.bytes_read(); }
  [[nodiscard]] const http1::PoolKey& key() const { return key_; }
  [[nodiscard]] const TlsInfo* tls() const { return transport.tls(); }

  // Opens the stream of a call; its head and body are framed as far as there is room.
  Status open(ClientCall& call, const std::vector<nghttp2_nv>& fields, bool has_body);
  // Closes when no stream is left.
  void retire();

 private:
  StreamIo* open_stream(std::int32_t) override { return nullptr; }  // servers open none
  void stream_ended() override;
  void settings_received() override;
  void goaway_received() override;
  void tell_pool();
  static void on_idle(void* self);

  std::weak_ptr<ClientPool> pool_;
  const http1::PoolKey key_;
  const std::size_t max_streams_;
  const Duration idle_timeout_;
  async::Deadline idle_deadline_;
  bool settled_ = false;
  bool going_away_ = false;
  bool closing_ = false;
  bool used_ = false;
};

}  // namespace nacelle::net::http2
