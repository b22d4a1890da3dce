// local_exchange.h: both ends of a request that does not leave the process: what its handler sees,
// and what its sender reads.
//
// Home:    one loop.
// Bounds:  LocalTransport::kMaxHeldBytes between the two.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "async/event.h"
#include "kube/transport.h"
#include "net/http/server_exchange.h"

namespace nacelle::kube {

class LocalExchange final : public net::http::ServerExchange,
                            public std::enable_shared_from_this<LocalExchange> {
 public:
  LocalExchange(async::Loop& loop, TransportRequest request, std::size_t max_held_bytes);

  // The handler's end.
  [[nodiscard]] net::http::RequestHead& request() override { return request_.head; }
  [[nodiscard]] const net::TcpEndpoint& peer() const override { return peer_; }
  [[nodiscard]] async::Loop& loop() override { return loop_; }
  [[nodiscard]] std::optional<std::uint64_t> content_length() const override;
  [[nodiscard]] async::Task<Result<std::string_view>> read_chunk() override;
  [[nodiscard]] async::Task<Result<std::string>> read_body(std::size_t limit) override;
  [[nodiscard]] async::Task<Status> respond(const net::http::ResponseHead& head,
                                            std::string_view body) override;
  [[nodiscard]] async::Task<Status> start(const net::http::ResponseHead& head) override;
  [[nodiscard]] async::Task<Status> write(std::string_view data) override;
  [[nodiscard]] async::Task<Status> finish(std::string_view last = {}) override;
  [[nodiscard]] async::Task<Status> inform(const net::http::ResponseHead& head) override;
  [[nodiscard]] bool started() const override { return started_; }
  [[nodiscard]] bool finished() const override { return finished_; }
  [[nodiscard]] bool client_gone() const override { return gone_; }
  void on_client_gone(std::function<void()> callback) override;
  void close_after() override {}
  void abort() override;

  // The handler returned: an answer that is not complete never will be.
  void handler_returned();

  // The sender's end.
  [[nodiscard]] async::Task<Result<net::http::ResponseHead>> head(TimePoint deadline);
  [[nodiscard]] async::Task<Result<std::string>> read(TimePoint deadline);
  [[nodiscard]] Duration silence() const { return request_.silence; }
  void leave();

 private:
  void tell_gone();
  [[nodiscard]] async::Task<Status> put(std::string_view data, bool last);

  async::Loop& loop_;
  TransportRequest request_;
  const std::size_t max_held_bytes_;
  const net::TcpEndpoint peer_;
  bool body_taken_ = false;
  net::http::ResponseHead head_;
  std::string held_;
  bool started_ = false, finished_ = false, broken_ = false, gone_ = false;
  async::Event readable_, writable_;  // pulsed
  std::function<void()> on_gone_;
};

}  // namespace nacelle::kube
