// attempt.h: one try at one endpoint.
//
// Home:    the connection's loop; lives in the coroutine that makes the attempt.
#pragma once

#include <memory>
#include <string>

#include "async/deadline.h"
#include "gateway/forwarder.h"

namespace nacelle::gateway {

struct Forwarder::Attempt {
  const BackendConfig& backend;
  Cluster& cluster;
  PickedEndpoint& picked;
  net::http::RequestHead head;  // as it goes out
  std::string body;             // when the extension rewrites it, or a stream goes on
  bool resumed = false;         // `body` goes on with a stream
  net::http::ClientExchange* upstream = nullptr;
  TimePoint begun = std::chrono::steady_clock::now();
  bool blamed = false;  // the endpoint for its end
  bool timed_out = false;
  bool evicted = false;     // gave way to other requests: Request::refusal says why
  Status client_failure{};  // the client's side of a streamed body broke
};

// While it lives, a departing client and the deadline cancel the upstream request.
class AttemptGuard {
 public:
  AttemptGuard(net::http::ServerExchange& exchange, net::http::ClientExchange& upstream,
               TimePoint deadline, bool& timed_out)
      : exchange_(exchange),
        upstream_(upstream),
        timed_out_(timed_out),
        deadline_(exchange.loop(), &AttemptGuard::on_deadline, this) {
    exchange_.on_client_gone([this] { upstream_.cancel(); });
    if (deadline != TimePoint::max()) deadline_.arm(deadline);
  }
  ~AttemptGuard() { exchange_.on_client_gone({}); }
  AttemptGuard(const AttemptGuard&) = delete;
  AttemptGuard& operator=(const AttemptGuard&) = delete;

 private:
  static void on_deadline(void* self) {
    auto* guard = static_cast<AttemptGuard*>(self);
    guard->timed_out_ = true;
    guard->upstream_.cancel();
  }

  net::http::ServerExchange& exchange_;
  net::http::ClientExchange& upstream_;
  bool& timed_out_;
  async::Deadline deadline_;
};

// While it lives, an eviction cancels the upstream request.
class EvictionGuard {
 public:
  EvictionGuard(Request& request, net::http::ClientExchange& upstream, bool& evicted)
      : ticket_(request.ticket.get()) {
    if (ticket_ == nullptr) return;
    ticket_->on_evicted([&request, &upstream, &evicted](const PickRefusal& why) {
      request.refusal = why;
      evicted = true;
      upstream.cancel();
    });
  }
  ~EvictionGuard() {
    if (ticket_ != nullptr) ticket_->on_evicted({});
  }
  EvictionGuard(const EvictionGuard&) = delete;
  EvictionGuard& operator=(const EvictionGuard&) = delete;

 private:
  PickTicket* ticket_;
};

}  // namespace nacelle::gateway
