#include "net/http2/client_session.h"

#include <algorithm>
#include <utility>

#include "net/http2/client_call.h"
#include "net/http2/client_pool.h"
#include "net/tls/session.h"

namespace nacelle::net::http2 {

ClientSession::ClientSession(async::Loop& loop, Socket socket, std::weak_ptr<ClientPool> pool,
                             http1::PoolKey key, const http::HttpClientConfig& config)
    : ClientTransport(loop, std::move(socket)),
      Session(Side::kClient, transport, config.http2, 60s),
      pool_(std::move(pool)),
      key_(std::move(key)),
      max_streams_(config.http2.max_concurrent_streams),
      idle_timeout_(config.idle_timeout),
      idle_deadline_(loop, &ClientSession::on_idle, this) {}

ClientSession::~ClientSession() = default;

async::Task<Status> ClientSession::secure(TimePoint deadline) {
  if (key_.tls == nullptr) co_return Status();
  std::unique_ptr<TlsSession> session = TlsSession::connect(key_.tls, key_.address.host, "h2");
  const Status status = co_await transport.handshake(std::move(session), deadline);
  const std::string name = key_.address.to_string();
  if (status.code() == Code::kDeadlineExceeded) {
    co_return deadline_exceeded("connecting to {} took too long", name);
  }
  if (!status.ok()) co_return unavailable("cannot connect to {}: {}", name, status.message());
  if (tls()->alpn != "h2") co_return unavailable("{} does not speak HTTP/2 over TLS", name);
  co_return status;
}

async::Task<void> ClientSession::abandon() { co_await transport.settle(); }

async::Task<void> ClientSession::serve(std::shared_ptr<ClientSession> self) {
  self->idle_deadline_.arm_after(self->idle_timeout_);
  co_await self->run();
  self->idle_deadline_.disarm();
  self->tell_pool();
  co_await self->settle();
  co_await self->transport.settle();
}

bool ClientSession::has_room() {
  if (spent()) return false;
  // Before its SETTINGS a server's limit is not known: one stream goes at once, more would risk to
  // be refused.
  if (!settled_) return num_open() == 0;
  const std::size_t allowed = std::min<std::size_t>(
      max_streams_,
      nghttp2_session_get_remote_settings(raw(), NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS));
  return num_open() < allowed && nghttp2_session_check_request_allowed(raw()) != 0;
}

Status ClientSession::open(ClientCall& call, const std::vector<nghttp2_nv>& fields, bool has_body) {
  const nghttp2_data_provider source = call.provider();
  StreamIo* const io = &call;
  const std::int32_t id = nghttp2_submit_request(raw(), nullptr, fields.data(), fields.size(),
                                                 has_body ? &source : nullptr, io);
  if (id < 0)
    return unavailable("cannot open a stream to {}: {}", key_.address.to_string(),
                       nghttp2_strerror(id));
  count_opened();
  idle_deadline_.disarm();
  used_ = true;
  call.attach(*this, id);
  send_soon();
  return {};
}

void ClientSession::stream_ended() {
  if (num_open() == 0) {
    idle_deadline_.arm_after(idle_timeout_);
    if (closing_) retire();
  }
  tell_pool();  // there is room again
}

void ClientSession::settings_received() {
  settled_ = true;
  tell_pool();
}

void ClientSession::goaway_received() {
  going_away_ = true;
  tell_pool();
}

void ClientSession::tell_pool() {
  if (const auto pool = pool_.lock()) pool->session_changed(*this);
}

void ClientSession::retire() {
  closing_ = true;
  if (num_open() == 0 && !lost()) terminate(NGHTTP2_NO_ERROR);
}

void ClientSession::on_idle(void* self) {
  auto* session = static_cast<ClientSession*>(self);
  session->retire();
  session->tell_pool();
}

}  // namespace nacelle::net::http2
