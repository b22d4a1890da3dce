// server_connection.h: one accepted connection and the HTTP/1 exchange that it is serving.
//
//   read_head -> handler(*this) -> finish_exchange -> read_head ...
//
// A connection that begins with the HTTP/2 preface is handed to an http2::ServerSession instead.
//
// While the handler runs the stream keeps one read outstanding (Stream::watch), which notices a
// departing client and collects pipelined bytes up to one buffer.
//
// Home:    one loop. Owned by its own serve() coroutine.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "net/http/server_exchange.h"
#include "net/http1/body_reader.h"
#include "net/http1/chunked.h"
#include "net/http1/serialize.h"
#include "net/http1/server_context.h"
#include "net/stream.h"

namespace nacelle::net::http2 {
class ServerSession;
}

namespace nacelle::net::http1 {

class ServerConnection final : public http::ServerExchange {
 public:
  ServerConnection(std::shared_ptr<ServerContext> context, Socket socket, const TcpEndpoint& peer);
  ~ServerConnection() override;

  // Serves until the connection ends. Spawned once.
  static async::Task<void> serve(std::unique_ptr<ServerConnection> self);

  // Closes when idle; otherwise the current response says Connection: close.
  void begin_drain();
  // Closes at once; the handler sees a departed client.
  void break_now();
  [[nodiscard]] ServerConnection* next() const { return next_; }

  // ServerExchange
  http::RequestHead& request() override { return request_; }
  const TcpEndpoint& peer() const override { return peer_; }
  async::Loop& loop() override { return context_->loop; }
  const TlsInfo* tls() const override { return stream_.tls(); }
  std::optional<std::uint64_t> content_length() const override;
  async::Task<Result<std::string_view>> read_chunk() override;
  std::optional<std::string_view> ready_chunk() override;
  async::Task<Result<std::string>> read_body(std::size_t limit) override;
  async::Task<Status> respond(const http::ResponseHead& head, std::string_view body) override;
  async::Task<Status> start(const http::ResponseHead& head) override;
  async::Task<Status> write(std::string_view data) override;
  async::Task<Status> finish(std::string_view last) override;
  async::Task<Status> inform(const http::ResponseHead& head) override;
  bool started() const override { return phase_ != Phase::kUnanswered; }
  bool finished() const override { return phase_ == Phase::kFinished; }
  bool client_gone() const override { return gone_; }
  void on_client_gone(std::function<void()> callback) override;
  void close_after() override { close_ = true; }
  void abort() override;

 private:
  enum class Phase : std::uint8_t { kUnanswered, kStreaming, kFinished };
  enum class HeadEnd : std::uint8_t { kRequest, kHttp2, kRefused, kGone };

  async::Task<void> run();
  async::Task<HeadEnd> read_head();
  async::Task<void> serve_http2();
  bool finished_in_order();             // nothing is left to do before the next request
  async::Task<bool> finish_exchange();  // false when the connection must end
  async::Task<void> refuse(int status, std::string_view reason);
  async::Task<void> linger();
  async::Task<Status> send_continue();

  void begin_exchange();
  void end_handler();
  bool must_close(bool whole) const;
  Status build_head(const http::ResponseHead& head, BodyFraming framing, bool whole);
  async::Task<Status> send(Gather pieces);
  void post(void (ServerConnection::*step)());
  void flush_head();
  void tell_gone();
  static void on_stream_end(void* self);

  std::shared_ptr<ServerContext> context_;
  TcpEndpoint peer_;
  Stream stream_;
  std::unique_ptr<http2::ServerSession> http2_;  // once the preface came
  ServerConnection* prev_ = nullptr;
  ServerConnection* next_ = nullptr;

  // The current exchange.
  http::RequestHead request_;
  ParsedRequest parsed_;
  BodyReader body_;
  std::function<void()> on_gone_;
  std::string head_bytes_;  // the response head; unsent while head_pending_
  ChunkPrefix chunk_prefix_{1};
  BodyFraming response_body_;
  std::uint64_t response_left_ = 0;  // of a declared Content-Length
  Phase phase_ = Phase::kUnanswered;
  bool omit_body_ = false;  // HEAD, 204, 304
  bool head_pending_ = false;
  bool handling_ = false;
  bool gone_ = false;
  bool close_ = false;
  bool continue_sent_ = false;
  bool idle_ = true;   // waits for the first byte of a request
  bool first_ = true;  // no request came yet
  int refused_status_ = 0;
  std::string_view refused_reason_;
  std::uint32_t posted_ = 0;  // turns that still refer to this object
};

}  // namespace nacelle::net::http1
