// server_session.h: an accepted HTTP/2 connection; each of its streams runs a handler.
//
// Drain:   a notice (GOAWAY with the highest id) and a PING; when the PING is answered, or after
//          Http2Limits::shutdown_notice, the final GOAWAY. Requests that were under way are served.
// Idle:    without streams for keep_alive_timeout the connection is drained in the same way; a
//          header block that takes longer than head_timeout ends the connection.
//
// Home:    one loop. Owned by the connection that accepted it.
#pragma once

#include <cstddef>
#include <memory>
#include <vector>

#include "async/deadline.h"
#include "async/event.h"
#include "net/http1/server_context.h"
#include "net/http2/server_stream.h"
#include "net/http2/session.h"

namespace nacelle::net::http2 {

class ServerSession final : public Session {
 public:
  ServerSession(http1::ServerContext& context, Stream& stream, const TcpEndpoint& peer);
  ~ServerSession() override;

  // Serves until the connection ended and every handler returned. Once.
  [[nodiscard]] async::Task<void> serve();

  void begin_drain();
  void break_now() { stream().close(); }

  [[nodiscard]] http1::ServerContext& context() { return context_; }
  [[nodiscard]] const TcpEndpoint& peer() const { return peer_; }
  // A head is complete: serve it.
  void start_stream(ServerStream* stream);
  void handler_ended();
  // The handler of the stream returned, or there was none, and the stream closed.
  void release(ServerStream* stream);

 private:
  StreamIo* open_stream(std::int32_t id) override;
  void stream_ended() override;
  void ping_answered() override { finish_drain(); }
  void header_block(bool open) override;

  void finish_drain();
  static void on_idle(void* self);
  static void on_slow_head(void* self);
  static void on_notice(void* self);

  http1::ServerContext& context_;
  const TcpEndpoint peer_;
  std::vector<std::unique_ptr<ServerStream>> streams_;  // all that were made
  std::vector<ServerStream*> spare_;
  std::size_t num_running_ = 0;  // handlers
  async::Event changed_;
  async::Deadline idle_deadline_;
  async::Deadline head_deadline_;
  async::Deadline notice_deadline_;
  bool draining_ = false;
  bool drained_ = false;  // the final GOAWAY is queued
};

}  // namespace nacelle::net::http2
