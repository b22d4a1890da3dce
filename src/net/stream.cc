#include "net/stream.h"

#include <sys/socket.h>

#include <cerrno>
#include <cstring>

#include <boost/asio/error.hpp>
#include <boost/asio/post.hpp>

#include "base/check.h"
#include "net/tls/session.h"

namespace nacelle::net {

namespace asio = boost::asio;

namespace {
// A handler that streams to a fast reader yields to the other connections after so many writes.
constexpr std::uint32_t kWritesPerTurn = 64;
// How long settle() waits for a peer to take the last encrypted record.
constexpr Duration kLastFlush = 1s;
// Up to so many bytes are joined on the stack: a copy costs less than a gathered call.
constexpr std::size_t kJoinBytes = 4096;

ssize_t send_some(int descriptor, Gather& pieces) {
  constexpr int kFlags = MSG_NOSIGNAL | MSG_DONTWAIT;
  if (pieces.count() == 1) {
    return ::send(descriptor, pieces.data()->iov_base, pieces.data()->iov_len, kFlags);
  }
  if (pieces.total() <= kJoinBytes) {
    char joined[kJoinBytes];
    char* at = joined;
    for (std::size_t i = 0; i < pieces.count(); ++i) {
      const iovec& piece = pieces.data()[i];
      std::memcpy(at, piece.iov_base, piece.iov_len);
      at += piece.iov_len;
    }
    return ::send(descriptor, joined, pieces.total(), kFlags);
  }
  msghdr message{};
  message.msg_iov = pieces.data();
  message.msg_iovlen = pieces.count();
  return ::sendmsg(descriptor, &message, kFlags);
}

}  // namespace

Stream::Stream(async::Loop& loop, Socket socket, OnEnd on_end, void* context)
    : loop_(loop),
      socket_(std::move(socket)),
      read_(
          &Stream::on_read,
          // The coroutine that reads often owns what this is a part of: in the loop's queue it is
          // destroyed with the loop, while here it would live for ever.
          [](void* self) { static_cast<Stream*>(self)->input_waiter_.post_resume(); }, this),
      read_deadline_(loop, &Stream::on_read_deadline, this),
      write_deadline_(loop, &Stream::on_write_deadline, this),
      on_end_(on_end),
      context_(context) {
  boost::system::error_code ignored;
  socket_.native_non_blocking(true, ignored);
  closed_ = !socket_.is_open();
}

Stream::~Stream() = default;

void Stream::watch() {
  if (!reading_ && input_.empty()) input_.prepare_room(ReadBuffer::kSmall);
  start_read();
}

void Stream::start_read() {
  if (reading_ || closed_ || end_ != End::kOpen || input_.room_size() == 0) return;
  reading_ = true;
  if (tls_ != nullptr) {
    start_tls_read();
    return;
  }
  read_.start(socket_, input_.room(), input_.room_size());
}

void Stream::on_read(void* self, const boost::system::error_code& error, std::size_t count) {
  auto* stream = static_cast<Stream*>(self);
  stream->reading_ = false;
  stream->took(count);
  if (error && stream->end_ == End::kOpen) {
    stream->end_ = error == asio::error::eof ? End::kEof : End::kBroken;
    if (stream->on_end_ != nullptr) stream->on_end_(stream->context_);
  }
  stream->wake_reader();
}

void Stream::took(std::size_t count) {
  quick_writes_ = 0;
  input_.commit(count);
  bytes_read_ += count;
  last_read_ = count;
}

void Stream::wake_reader() {
  if (!input_waiter_.waiting()) {
    start_read();  // nobody needs the bytes yet: keep watching for the end
    return;
  }
  // In a turn of its own: whatever one poll found is read before any of it is answered. Writes that
  // follow each other find their receivers awake, and each half stays in the caches.
  input_waiter_.post_resume();
}

async::Task<Result<bool>> Stream::more_input(TimePoint deadline, std::size_t capacity) {
  const std::uint64_t before = bytes_read_;
  if (closed_) co_return cancelled("the connection is closed");
  if (end_ == End::kBroken) co_return cancelled("the connection was reset");
  if (end_ == End::kEof) co_return false;
  if (!reading_) {
    if (input_.room_size() == 0 || input_.empty()) {
      if (input_.size() >= capacity) {
        co_return out_of_range("the read buffer of {} bytes is full", capacity);
      }
      input_.prepare_room(capacity);
    }
    start_read();
  }
  timed_out_ = false;
  if (deadline != async::kNoDeadline) read_deadline_.arm(deadline);
  while (bytes_read_ == before && end_ == End::kOpen && !closed_ && !timed_out_) {
    const bool resumed = co_await input_waiter_.wait();
    if (!resumed) {
      read_deadline_.disarm();
      co_return cancelled("the waiting task was cancelled");
    }
  }
  if (deadline != async::kNoDeadline) read_deadline_.disarm();
  if (bytes_read_ != before) co_return true;
  if (closed_) co_return cancelled("the connection is closed");
  if (end_ == End::kBroken) co_return cancelled("the connection was reset");
  if (end_ == End::kEof) co_return false;
  co_return deadline_exceeded("nothing was received in time");
}

void Stream::on_read_deadline(void* self) {
  auto* stream = static_cast<Stream*>(self);
  stream->timed_out_ = true;
  stream->input_waiter_.resume();
}

void Stream::on_write_deadline(void* self) {
  auto* stream = static_cast<Stream*>(self);
  stream->write_stalled_ = true;
  stream->close();
}

bool Stream::unsent() const { return tls_ != nullptr && tls_->has_output(); }

Status Stream::try_write(Gather& pieces) {
  if (tls_ != nullptr) return try_write_tls(pieces);
  while (!pieces.empty()) {
    if (closed_) return cancelled("the connection is closed");
    const ssize_t sent = send_some(socket_.native_handle(), pieces);
    if (sent < 0) {
      if (errno == EINTR) continue;
      if (errno == EAGAIN || errno == EWOULDBLOCK) return {};
      return cancelled("the peer is gone: {}", std::strerror(errno));
    }
    pieces.consume(static_cast<std::size_t>(sent));
  }
  return {};
}

async::Task<Status> Stream::write(Gather pieces, Duration stall_timeout) {
  const Status tried = try_write(pieces);
  if (!tried.ok()) co_return tried;
  if (pieces.empty() && ++quick_writes_ < kWritesPerTurn && !unsent()) co_return Status();
  co_return co_await write_rest(pieces, stall_timeout);
}

async::Task<Status> Stream::write_rest(Gather pieces, Duration stall_timeout) {
  CHECK(!writing_);
  writing_ = true;
  Status status;
  quick_writes_ = 0;
  if (pieces.empty() && !unsent()) co_await asio::post(loop_.executor(), async::use_task);
  while (status.ok() && (!pieces.empty() || unsent())) {
    if (closed_) {
      status = cancelled("the connection is closed");
      break;
    }
    write_deadline_.arm_after(stall_timeout);
    const auto [error] = co_await socket_.async_wait(Socket::wait_write, async::as_tuple);
    write_deadline_.disarm();
    if (write_stalled_) {
      status = deadline_exceeded("the peer did not read in time");
    } else if (!error) {
      status = try_write(pieces);
    } else {
      status = cancelled("the connection broke: {}", error.message());
    }
  }
  writing_ = false;
  if (settling_) input_waiter_.post_resume();
  co_return status;
}

void Stream::shutdown_send() {
  if (closed_) return;
  if (tls_ != nullptr) {
    tls_->say_goodbye();
    (void)tls_->flush();
    if (tls_->has_output()) {
      shutdown_due_ = true;
      flush_later();
      return;
    }
  }
  boost::system::error_code ignored;
  socket_.shutdown(Socket::shutdown_send, ignored);
}

void Stream::close(Close how) {
  if (closed_) return;
  if (tls_ != nullptr && how == Close::kOrderly && !write_stalled_) {
    tls_->say_goodbye();
    (void)tls_->flush();
  }
  closed_ = true;
  boost::system::error_code ignored;
  socket_.close(ignored);  // completes the outstanding operations with operation_aborted
  end_ = End::kBroken;
  if (!reading_) input_waiter_.post_resume();
}

async::Task<void> Stream::settle() {
  if (unsent() && !closed_ && !writing_) (void)co_await write_rest(Gather(), kLastFlush);
  close(Close::kOrderly);
  settling_ = true;
  while (reading_ || writing_ || flushing_) (void)co_await input_waiter_.wait();
}

}  // namespace nacelle::net
