// client_call.h: one request on the wire and its response: connect, send, read the head, read the
// body.
//
// Calls are reused (ClientPool::take_call), so that their strings and header blocks keep their
// memory and a request on a pooled connection allocates next to nothing.
//
// Home:    the pool's loop. Errors and stages: net/http/client.h.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "async/deadline.h"
#include "net/http/body_source.h"
#include "net/http/client.h"
#include "net/http1/body_reader.h"
#include "net/http1/client_pool.h"

namespace nacelle::net::http1 {

class ClientCall {
 public:
  explicit ClientCall(async::Loop& loop);

  // Makes the call ready for its next use.
  void begin(std::shared_ptr<ClientPool> pool);
  // Gives the connection back or closes it; drops what belongs to the exchange that ends.
  std::shared_ptr<ClientPool> end();

  // Serialises the head; invalid_argument for one that cannot be sent.
  Status prepare(const HostPort& address, const http::RequestHead& head,
                 std::span<const std::string_view> body, const http::ClientOptions& options);
  // The same for a body that is read while it is sent; chunked without `length`.
  Status prepare_stream(const HostPort& address, const http::RequestHead& head,
                        http::BodySource& source, std::optional<std::uint64_t> length,
                        const http::ClientOptions& options);
  // Sends what was prepared and reads the response head.
  [[nodiscard]] async::Task<Status> run();
  [[nodiscard]] async::Task<Result<std::string_view>> read_chunk();
  [[nodiscard]] std::optional<std::string_view> ready_chunk();
  [[nodiscard]] async::Task<Result<std::string>> read_body(std::size_t limit);
  void set_read_idle_timeout(Duration timeout) { reader_.set_timeout(timeout); }
  void cancel();

  [[nodiscard]] http::ResponseHead& response() { return response_; }
  [[nodiscard]] std::optional<std::uint64_t> content_length() const;
  [[nodiscard]] const TlsInfo* tls() const {
    return connection_ != nullptr ? connection_->stream.tls() : nullptr;
  }
  [[nodiscard]] http::ClientStage stage() const { return stage_; }
  [[nodiscard]] bool reused() const { return reused_; }
  [[nodiscard]] std::uint64_t bytes_received() const;

 private:
  async::Task<Status> attempt();
  async::Task<Status> connect();
  async::Task<Status> connect_to(TcpEndpoint endpoint, TimePoint deadline);
  async::Task<Status> secure(TimePoint deadline);
  Status send_at_once(Gather& pieces, std::size_t& next);
  async::Task<Status> send_rest(Gather pieces, std::size_t next);
  Status send_error(const Status& why) const;
  async::Task<Status> send_source();
  async::Task<Status> read_head();
  Status body_error(const Status& error) const;
  void give_up_connection();
  void give_back_connection();
  static void on_connect_deadline(void* self);

  std::shared_ptr<ClientPool> pool_;
  std::unique_ptr<ClientConnection> connection_;
  HostPort address_;
  http::ClientOptions options_;
  std::string method_;
  std::string head_bytes_;              // the request head
  std::vector<std::string_view> body_;  // its pieces
  http::ResponseHead response_;
  ParsedResponse parsed_;
  BodyReader reader_;
  async::Deadline connect_deadline_;
  Socket* connecting_ = nullptr;        // the socket of the connect in progress
  std::uint64_t received_earlier_ = 0;  // on connections that this call has left
  std::uint64_t received_before_ = 0;   // what the connection had read for other calls
  http::ClientStage stage_ = http::ClientStage::kIdle;
  http::BodySource* source_ = nullptr;
  std::optional<std::uint64_t> source_length_;
  bool source_begun_ = false;   // a piece was asked for: the request cannot be repeated
  bool source_failed_ = false;  // not the peer's fault
  bool upload_cut_ = false;     // the peer answered before the body's end
  bool reused_ = false;
  bool cancelled_ = false;
  bool connect_timed_out_ = false;
};

}  // namespace nacelle::net::http1
