// client_call.h: one request on an HTTP/2 connection and its response; what ClientExchange and
// ClientStream are made of.
//
// Home:    the pool's loop. Errors and stages: net/http/client.h and net/http/client_stream.h.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "net/http/client.h"
#include "net/http2/client_pool.h"
#include "net/http2/head_builder.h"
#include "net/http2/stream_io.h"

namespace nacelle::net::http2 {

class ClientCall final : public StreamIo {
 public:
  explicit ClientCall(std::shared_ptr<ClientPool> pool);
  ~ClientCall() override;

  // Copies address and head. invalid_argument for a head that cannot be sent. `length`: of the
  // body, when it is known.
  Status prepare(const HostPort& address, const http::RequestHead& head,
                 const http::ClientOptions& options, std::optional<std::uint64_t> length);
  // Takes a connection and sends the head with what is lent.
  [[nodiscard]] async::Task<Status> open(std::span<const std::string_view> body, bool end);
  // The whole of ClientExchange::send. `body` must live until the task ended.
  [[nodiscard]] async::Task<Status> run(std::vector<std::string_view> body);

  [[nodiscard]] async::Task<Status> write(std::string_view data, bool end);
  [[nodiscard]] async::Task<Status> read_head();
  [[nodiscard]] async::Task<Result<std::string_view>> read_chunk();
  [[nodiscard]] async::Task<Result<std::string>> read_body(std::size_t limit);
  void set_read_idle_timeout(Duration timeout) { options_.read_idle_timeout = timeout; }
  void cancel();

  [[nodiscard]] http::ResponseHead& response() { return response_; }
  [[nodiscard]] const http::Headers& trailers() const { return trailers_; }
  [[nodiscard]] std::optional<std::uint64_t> content_length() const;
  [[nodiscard]] http::ClientStage stage() const { return stage_; }
  [[nodiscard]] const TlsInfo* tls() const;
  [[nodiscard]] bool reused() const { return reused_; }
  [[nodiscard]] std::uint64_t bytes_received() const { return bytes_received_; }

  using StreamIo::attach;
  using StreamIo::provider;

 private:
  void head_field(bool first, std::string_view name, std::string_view value) override;
  bool head_done(bool first, bool end_stream) override;
  void stream_closed() override;
  void all_framed() override;

  [[nodiscard]] async::Task<Status> attempt(std::span<const std::string_view> body);
  Status lost_status() const;  // why the stream ended before it was complete
  bool refused() const;        // the server has not processed it
  bool done_sending() const { return local_ended() || closed(); }
  void leave();

  std::shared_ptr<ClientPool> pool_;
  std::shared_ptr<ClientSession> connection_;
  HostPort address_;
  http::ClientOptions options_;
  http::RequestHead request_;
  std::optional<std::uint64_t> request_length_;
  std::string authority_;
  http::ResponseHead response_;
  http::Headers trailers_;
  ResponseHeadBuilder builder_;
  TrailerBuilder trailer_builder_;
  HeadError bad_;
  std::uint64_t read_before_ = 0;  // what the connection had received when the stream was opened
  std::uint64_t bytes_received_ = 0;
  http::ClientStage stage_ = http::ClientStage::kIdle;
  bool reused_ = false;
  bool cancelled_ = false;
  bool in_block_ = false;  // fields of a block are arriving
  bool answered_ = false;  // the final head is complete
  bool bodiless_ = false;  // and nothing follows it
};

}  // namespace nacelle::net::http2
