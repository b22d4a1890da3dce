// The TLS half of Stream.
#include <sys/socket.h>

#include <cerrno>

#include <boost/asio/post.hpp>

#include "base/check.h"
#include "net/stream.h"
#include "net/tls/session.h"

namespace nacelle::net {

namespace asio = boost::asio;

const TlsInfo* Stream::tls() const {
  return tls_ != nullptr && tls_->established() ? &tls_->info() : nullptr;
}

// ---- handshake

async::Task<Status> Stream::handshake(std::unique_ptr<TlsSession> session, TimePoint deadline) {
  CHECK(tls_ == nullptr && !reading_ && bytes_read_ == 0);
  if (closed_) co_return cancelled("the connection is closed");
  tls_ = std::move(session);
  tls_->attach(socket_.native_handle());
  handshaking_ = true;
  Status status = co_await shake_hands(deadline);
  read_deadline_.disarm();
  handshaking_ = false;
  if (!status.ok()) end_handshake();
  co_return status;
}

async::Task<Status> Stream::shake_hands(TimePoint deadline) {
  timed_out_ = false;
  if (deadline != async::kNoDeadline) read_deadline_.arm(deadline);
  for (;;) {
    const TlsSession::Io step = tls_->handshake();
    if (step == TlsSession::Io::kDone) {
      tls_drained_ = false;  // the first request may have come with the last flight
      if (tls_->has_output()) flush_later();
      co_return Status();
    }
    if (step != TlsSession::Io::kAgain) co_return unavailable("TLS handshake: {}", tls_->error());
    if (tls_->has_output()) flush_later();
    if (!reading_) {
      reading_ = true;
      tls_drained_ = true;  // it asked for more than there is
      start_tls_read();
    }
    const bool resumed = co_await input_waiter_.wait();
    if (!resumed) co_return cancelled("the waiting task was cancelled");
    if (closed_) co_return cancelled("the connection is closed");
    if (timed_out_) co_return deadline_exceeded("the TLS handshake took too long");
  }
}

// The alert has been handed to the socket. What the peer sent behind its part of the handshake is
// taken off the socket: closing over it would send a reset, which can overtake the alert.
void Stream::end_handshake() {
  end_ = End::kBroken;
  if (closed_) return;
  (void)tls_->flush();
  ::shutdown(socket_.native_handle(), SHUT_WR);
  char dropped[4096];
  for (int i = 0; i < 16; ++i) {
    if (::recv(socket_.native_handle(), dropped, sizeof(dropped), MSG_DONTWAIT) <= 0) break;
  }
}

// ---- reading

// TLS keeps its own small input buffer, so one of two things has bytes first: that buffer, which no
// poll would report, or the socket.
void Stream::start_tls_read() {
  if (!tls_drained_ && tls_->has_input()) {
    asio::post(loop_.executor(), [this] { on_tls_readable(); });
    return;
  }
  socket_.async_wait(Socket::wait_read,
                     [this](const boost::system::error_code&) { on_tls_readable(); });
}

void Stream::on_tls_readable() {
  reading_ = false;
  if (handshaking_) {
    input_waiter_.resume();
    return;
  }
  std::size_t total = 0;
  TlsSession::Io state = TlsSession::Io::kDone;
  while (!closed_ && end_ == End::kOpen && state == TlsSession::Io::kDone &&
         total < input_.room_size()) {
    std::size_t count = 0;
    state = tls_->read(input_.room() + total, input_.room_size() - total, count);
    total += count;
    if (!tls_->has_input()) break;  // the next poll tells whether there is more
  }
  tls_drained_ = state == TlsSession::Io::kAgain;
  // Reading may have made an answer to a control message, or an alert.
  if (!closed_ && tls_->has_output()) flush_later();
  if (total > 0) took(total);
  const bool ended = state == TlsSession::Io::kEof || state == TlsSession::Io::kBroken;
  if (ended && end_ == End::kOpen) {
    end_ = state == TlsSession::Io::kEof ? End::kEof : End::kBroken;
    if (on_end_ != nullptr) on_end_(context_);
  }
  if (total == 0 && end_ == End::kOpen && !closed_) {
    start_read();  // a control message, or a part of a record
    return;
  }
  wake_reader();  // last: the coroutine may destroy this object
}

// ---- writing

Status Stream::try_write_tls(Gather& pieces) {
  for (;;) {
    if (closed_) return cancelled("the connection is closed");
    switch (tls_->flush()) {
      case TlsSession::Io::kDone:
        break;
      case TlsSession::Io::kAgain:
        if (!writing_) flush_later();
        return {};
      default:
        return cancelled("the peer is gone: {}", tls_->error());
    }
    if (pieces.empty()) return {};
    if (tls_->write(pieces) != TlsSession::Io::kDone) {
      return cancelled("the peer is gone: {}", tls_->error());
    }
  }
}

void Stream::flush_later() {
  if (flushing_ || closed_) return;
  flushing_ = true;
  socket_.async_wait(Socket::wait_write,
                     [this](const boost::system::error_code&) { on_tls_writable(); });
}

void Stream::on_tls_writable() {
  flushing_ = false;
  if (settling_) {
    input_waiter_.resume();  // last: the coroutine may destroy this object
    return;
  }
  if (closed_) return;
  const TlsSession::Io state = tls_->flush();
  if (state == TlsSession::Io::kAgain) {
    if (!writing_) flush_later();
    return;
  }
  if (shutdown_due_ && state == TlsSession::Io::kDone) {
    shutdown_due_ = false;
    boost::system::error_code ignored;
    socket_.shutdown(Socket::shutdown_send, ignored);
  }
}

}  // namespace nacelle::net
