#include "net/http1/accept_tls.h"

#include <chrono>

#include "net/tls/session.h"
#include "telemetry/log.h"

namespace nacelle::net::http1 {

namespace {

// One of the handshakes that a server does at once.
class HandshakeSlot {
 public:
  HandshakeSlot(ServerCounters& counters, std::size_t limit) : counters_(counters) {
    taken_ = counters_.tls_handshaking.fetch_add(1, std::memory_order_relaxed) < limit;
    if (!taken_) counters_.tls_handshaking.fetch_sub(1, std::memory_order_relaxed);
  }
  ~HandshakeSlot() {
    if (taken_) counters_.tls_handshaking.fetch_sub(1, std::memory_order_relaxed);
  }
  HandshakeSlot(const HandshakeSlot&) = delete;
  HandshakeSlot& operator=(const HandshakeSlot&) = delete;
  [[nodiscard]] bool taken() const { return taken_; }

 private:
  ServerCounters& counters_;
  bool taken_;
};

void report(const TcpEndpoint& peer, std::string_view reason) {
  if (!log::enabled(log::Level::kDebug)) return;
  log::debug("TLS handshake failed", {{"peer", to_string(peer)}, {"reason", reason}});
}

}  // namespace

async::Task<bool> accept_tls(Stream& stream, ServerContext& context, TcpEndpoint peer) {
  ServerCounters& counters = *context.counters;
  const HandshakeSlot slot(counters, context.config.max_tls_handshakes);
  if (!slot.taken()) {
    counters.tls_refused.fetch_add(1, std::memory_order_relaxed);
    report(peer, "too many handshakes at once");
    co_return false;
  }
  const Duration patience = context.config.tls_handshake_timeout;
  const TimePoint deadline = patience > Duration::zero()
                                 ? std::chrono::steady_clock::now() + patience
                                 : async::kNoDeadline;
  std::unique_ptr<TlsSession> session = TlsSession::accept(context.config.tls->current());
  const Status status = co_await stream.handshake(std::move(session), deadline);
  if (status.ok()) {
    counters.tls_handshakes.fetch_add(1, std::memory_order_relaxed);
    co_return true;
  }
  counters.tls_failures.fetch_add(1, std::memory_order_relaxed);
  if (stream.tls_session() != nullptr && stream.tls_session()->was_plaintext()) {
    report(peer, "the client spoke HTTP without TLS");
  } else {
    report(peer, status.message());
  }
  co_return false;
}

}  // namespace nacelle::net::http1
