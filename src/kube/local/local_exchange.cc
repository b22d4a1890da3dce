#include "kube/local/local_exchange.h"

#include <utility>

namespace nacelle::kube {

LocalExchange::LocalExchange(async::Loop& loop, TransportRequest request,
                             std::size_t max_held_bytes)
    : loop_(loop),
      request_(std::move(request)),
      max_held_bytes_(max_held_bytes),
      peer_(boost::asio::ip::address_v4::loopback(), 0),
      readable_(loop),
      writable_(loop) {}

std::optional<std::uint64_t> LocalExchange::content_length() const { return request_.body.size(); }

async::Task<Result<std::string_view>> LocalExchange::read_chunk() {
  if (gone_) co_return cancelled("the client left");
  if (std::exchange(body_taken_, true)) co_return std::string_view();
  co_return std::string_view(request_.body);
}

async::Task<Result<std::string>> LocalExchange::read_body(std::size_t limit) {
  if (gone_) co_return cancelled("the client left");
  if (request_.body.size() > limit) {
    co_return out_of_range("the body has {} bytes, {} are allowed", request_.body.size(), limit);
  }
  if (std::exchange(body_taken_, true)) co_return std::string();
  co_return std::move(request_.body);
}

async::Task<Status> LocalExchange::put(std::string_view data, bool last) {
  while (!gone_ && !broken_ && !held_.empty() && held_.size() + data.size() > max_held_bytes_) {
    CO_RETURN_IF_ERROR(co_await writable_.wait());
  }
  if (gone_ || broken_) co_return cancelled("the client left");
  held_ += data;
  finished_ = last;
  readable_.pulse();
  co_return Status();
}

async::Task<Status> LocalExchange::respond(const net::http::ResponseHead& head,
                                           std::string_view body) {
  head_ = head;
  started_ = true;
  return put(body, true);
}

async::Task<Status> LocalExchange::start(const net::http::ResponseHead& head) {
  head_ = head;
  started_ = true;
  return put({}, false);
}

async::Task<Status> LocalExchange::write(std::string_view data) { return put(data, false); }
async::Task<Status> LocalExchange::finish(std::string_view last) { return put(last, true); }
async::Task<Status> LocalExchange::inform(const net::http::ResponseHead&) { co_return Status(); }

void LocalExchange::on_client_gone(std::function<void()> callback) {
  on_gone_ = std::move(callback);
  if (gone_ && on_gone_) tell_gone();
}

// In a turn of its own; until then the callback may be taken back.
void LocalExchange::tell_gone() {
  loop_.post([self = shared_from_this()] {
    if (const auto callback = std::exchange(self->on_gone_, nullptr)) callback();
  });
}

void LocalExchange::abort() {
  broken_ = true;
  readable_.pulse();
  writable_.pulse();
}

void LocalExchange::handler_returned() {
  on_gone_ = nullptr;
  if (!started_) {
    head_.status = 500;
    started_ = finished_ = true;
  } else if (!finished_) {
    broken_ = true;
  }
  readable_.pulse();
}

async::Task<Result<net::http::ResponseHead>> LocalExchange::head(TimePoint deadline) {
  while (!started_ && !broken_ && !gone_) {
    const Status waited = co_await readable_.wait(deadline);
    if (!waited.ok()) co_return waited;
  }
  if (gone_) co_return cancelled("the API of this process stops");
  if (!started_) co_return unavailable("the request was broken off");
  co_return head_;
}

async::Task<Result<std::string>> LocalExchange::read(TimePoint deadline) {
  while (held_.empty() && !finished_ && !broken_ && !gone_) {
    const Status waited = co_await readable_.wait(deadline);
    if (!waited.ok()) co_return waited;
  }
  if (gone_) co_return cancelled("the API of this process stops");
  if (held_.empty() && !finished_) co_return data_loss("the answer was broken off");
  writable_.pulse();
  co_return std::exchange(held_, {});
}

void LocalExchange::leave() {
  if (std::exchange(gone_, true)) return;
  readable_.pulse();
  writable_.pulse();
  if (on_gone_) tell_gone();
}

}  // namespace nacelle::kube
