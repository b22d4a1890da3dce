// server_stream.h: one request of an HTTP/2 connection, as its handler sees it.
//
// Lives until nghttp2 closed the stream and the handler returned; then the session uses it again.
//
// Home:    the connection's loop. Bounds and errors: net/http/server_exchange.h.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "net/http/server_exchange.h"
#include "net/http2/head_builder.h"
#include "net/http2/stream_io.h"

namespace nacelle::net::http2 {

class ServerSession;

class ServerStream final : public http::ServerExchange, public StreamIo {
 public:
  explicit ServerStream(ServerSession& session);

  // Runs the handler, or answers a head that was refused; ends the stream.
  static async::Task<void> serve(ServerStream* self);
  [[nodiscard]] bool idle() const { return !running_ && posted_ == 0; }
  void begin_request();
  void reuse();

  // ServerExchange
  http::RequestHead& request() override { return request_; }
  const TcpEndpoint& peer() const override;
  const TlsInfo* tls() const override;
  async::Loop& loop() override { return loop_; }
  std::optional<std::uint64_t> content_length() const override;
  async::Task<Result<std::string_view>> read_chunk() override;
  async::Task<Result<std::string>> read_body(std::size_t limit) override;
  async::Task<Result<bool>> feed(http::BodySink& sink) override;
  const http::Headers& request_trailers() const override { return trailers_; }
  async::Task<Status> respond(const http::ResponseHead& head, std::string_view body) override;
  async::Task<Status> start(const http::ResponseHead& head) override;
  async::Task<Status> write(std::string_view data) override;
  async::Task<Status> finish(std::string_view last) override;
  async::Task<Status> finish_with_trailers(const http::Headers& trailers,
                                           std::string_view last) override;
  async::Task<Status> inform(const http::ResponseHead& head) override;
  bool started() const override { return phase_ != Phase::kUnanswered; }
  bool finished() const override { return phase_ == Phase::kFinished; }
  bool client_gone() const override { return gone_; }
  void on_client_gone(std::function<void()> callback) override;
  void close_after() override {}
  void interrupt_read() override { StreamIo::interrupt_read(); }
  void abort() override;

 private:
  enum class Phase : std::uint8_t { kUnanswered, kStreaming, kFinished };

  // StreamIo
  void head_field(bool first, std::string_view name, std::string_view value) override;
  bool head_done(bool first, bool end_stream) override;
  void stream_closed() override;

  async::Task<void> run_handler();
  async::Task<void> refuse(int status, std::string_view reason);
  void end_handler();
  Status submit_head(const http::ResponseHead& head, std::optional<std::uint64_t> length,
                     bool has_body);
  async::Task<Status> send(std::string_view data, bool end);
  void send_continue();
  void tell_gone();
  void post_tell_gone();

  ServerSession& server_;
  http::RequestHead request_;
  http::Headers trailers_;
  RequestHeadBuilder builder_;
  TrailerBuilder trailer_builder_;
  HeadError refused_;
  std::function<void()> on_gone_;
  std::optional<std::uint64_t> response_left_;  // of a declared Content-Length
  std::uint32_t posted_ = 0;
  Phase phase_ = Phase::kUnanswered;
  bool omit_body_ = false;  // HEAD, 204, 304
  bool bodiless_ = false;   // the request's head ended the stream
  bool in_trailers_ = false;
  bool running_ = false;
  bool gone_ = false;
  bool continue_sent_ = false;
};

}  // namespace nacelle::net::http2
