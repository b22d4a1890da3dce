#include "net/http2/session.h"

#include <utility>

#include <boost/asio/post.hpp>

namespace nacelle::net::http2 {

namespace {

constexpr std::size_t kLingerBytes = 256 * 1024;
constexpr Duration kLingerTime = 1s;
constexpr std::size_t kIgnoredBytesPerToken = 4096;

}  // namespace

Session::Session(Side side, Stream& stream, const http::Http2Limits& limits, Duration write_stall)
    : stream_(stream),
      side_(side),
      max_output_bytes_(limits.max_output_bytes),
      max_queued_frames_(limits.max_queued_frames),
      connection_window_(limits.connection_window_bytes),
      write_stall_(write_stall),
      resets_(limits.reset_burst, limits.resets_per_second, clock_.now()),
      controls_(limits.control_burst, limits.controls_per_second, clock_.now()),
      linger_deadline_(stream.loop(), &Session::on_linger, this) {
  begin(limits);
}

Session::~Session() {
  // Only at the end of the loop, whose unfinished tasks are destroyed, is anything left here.
  while (first_ != nullptr) {
    StreamIo* io = first_;
    unlink(*io);
    io->session_ = nullptr;
  }
}

void Session::link(StreamIo& io) {
  io.prev_ = nullptr;
  io.next_ = first_;
  if (first_ != nullptr) first_->prev_ = &io;
  first_ = &io;
}

void Session::unlink(StreamIo& io) {
  (io.prev_ != nullptr ? io.prev_->next_ : first_) = io.next_;
  if (io.next_ != nullptr) io.next_->prev_ = io.prev_;
  io.prev_ = io.next_ = nullptr;
  if (!io.closed_ && !lost_) {
    (void)nghttp2_session_set_stream_user_data(session_.get(), io.id_, nullptr);
  }
}

bool Session::spend(TokenBucket& bucket) {
  if (bucket.take(clock_)) return true;
  violation_ = NGHTTP2_ENHANCE_YOUR_CALM;
  return false;
}

void Session::post(void (*step)(void*), void* argument) {
  ++posted_;
  loop().post([this, step, argument] {
    --posted_;
    step(argument);
  });
}

// ---- out

void Session::send_soon() {
  if (inside_) return;  // receive() and pump() send when they end
  pump();
  if (output_.empty() || flush_posted_ || writing_) return;
  flush_posted_ = true;
  post([](void* self) { static_cast<Session*>(self)->flush(); }, this);
}

void Session::pump() {
  if (inside_ || lost_) return;
  inside_ = true;
  while (output_.size() < max_output_bytes_) {
    const std::uint8_t* frame = nullptr;
    const ssize_t size = nghttp2_session_mem_send(session_.get(), &frame);
    if (size <= 0) {
      if (size < 0) violation_ = NGHTTP2_INTERNAL_ERROR;
      break;
    }
    output_.append(reinterpret_cast<const char*>(frame), static_cast<std::size_t>(size));
  }
  inside_ = false;
  if (violation_ == 0 &&
      nghttp2_session_get_outbound_queue_size(session_.get()) > max_queued_frames_) {
    violation_ = NGHTTP2_ENHANCE_YOUR_CALM;
  }
  if (violation_ != 0 && !terminated_) terminate(violation_);
}

void Session::flush() {
  flush_posted_ = false;
  pump();
  if (writing_ || stream_.closed()) return;
  if (!output_.empty()) {
    Gather pieces;
    pieces.add(output_);
    if (!stream_.try_write(pieces).ok()) {
      output_.clear();
      stream_.close();  // run() notices
      return;
    }
    const bool was_full = output_.size() >= max_output_bytes_;
    output_.erase(0, output_.size() - pieces.total());
    if (!output_.empty()) {
      writing_ = true;
      loop().spawn(write_rest());
      return;
    }
    if (num_open_ == 0) std::string().swap(output_);  // an idle connection holds nothing
    if (was_full) send_soon();  // in a turn of its own: other connections come first
  }
  if (over()) end_gracefully();
}

async::Task<void> Session::write_rest() {
  while (!output_.empty() && !stream_.closed()) {
    sending_.swap(output_);
    Gather pieces;
    pieces.add(sending_);
    const Status sent = co_await stream_.write_rest(pieces, write_stall_);
    sending_.clear();
    if (!sent.ok()) {
      stream_.close();
      break;
    }
    pump();
  }
  output_.clear();
  writing_ = false;
  if (!stream_.closed() && over()) end_gracefully();
}

// Nothing is left to be said on this connection, in either direction.
bool Session::over() {
  return output_.empty() && !writing_ && nghttp2_session_want_read(session_.get()) == 0 &&
         nghttp2_session_want_write(session_.get()) == 0;
}

// ---- in

void Session::receive() {
  ReadBuffer& input = stream_.input();
  if (lingering_) {
    lingered_bytes_ += input.size();
    input.consume(input.size());
    if (lingered_bytes_ > kLingerBytes) stream_.close();
    return;
  }
  const std::string_view bytes = input.unread();
  useful_ = false;
  inside_ = true;
  const ssize_t used = nghttp2_session_mem_recv(
      session_.get(), reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size());
  inside_ = false;
  input.consume(bytes.size());
  // DATA for streams that are gone comes to no callback, and costs its sender little.
  // Small reads add up: how the bytes come in pieces is no way around the bound.
  if (!useful_) {
    ignored_bytes_ += bytes.size();
    while (ignored_bytes_ >= kIgnoredBytesPerToken && spend(controls_)) {
      ignored_bytes_ -= kIgnoredBytesPerToken;
    }
  }
  if (used < 0 && violation_ == 0) {
    const bool flood = used == NGHTTP2_ERR_FLOODED || used == NGHTTP2_ERR_TOO_MANY_SETTINGS ||
                       used == NGHTTP2_ERR_TOO_MANY_CONTINUATIONS;
    violation_ = flood ? NGHTTP2_ENHANCE_YOUR_CALM : NGHTTP2_PROTOCOL_ERROR;
  }
  if (violation_ != 0 && !terminated_) terminate(violation_);
}

async::Task<void> Session::run() {
  if (!stream_.input().empty()) receive();
  flush();
  while (!stream_.closed()) {
    const bool bulk = stream_.last_read() > ReadBuffer::kSmall / 2;
    const Result<bool> more = co_await stream_.more_input(
        async::kNoDeadline, bulk ? ReadBuffer::kLarge : ReadBuffer::kSmall);
    if (!more.ok() || !*more) break;
    receive();
    flush();
  }
  lost_ = true;
  stream_.close();
  drop_streams();
}

void Session::drop_streams() {
  while (first_ != nullptr) {
    StreamIo* io = first_;
    unlink(*io);
    io->session_ = nullptr;
    if (!io->closed_) io->take_close(StreamIo::kConnectionLost);
  }
}

async::Task<void> Session::settle() {
  linger_deadline_.disarm();
  stream_.close();
  while (writing_ || posted_ > 0) {
    co_await boost::asio::post(loop().executor(), async::use_task);
  }
}

// ---- ends

void Session::terminate(std::uint32_t code) {
  terminated_ = true;
  (void)nghttp2_session_terminate_session(session_.get(), code);
  send_soon();
}

// Closing with unread bytes would reset the connection and could destroy what was sent last.
void Session::end_gracefully() {
  if (std::exchange(lingering_, true)) return;
  drop_streams();  // after an error there may be some
  stream_.shutdown_send();
  linger_deadline_.arm_after(kLingerTime);
}

void Session::on_linger(void* self) { static_cast<Session*>(self)->stream_.close(); }

void Session::consume(std::int32_t id, std::size_t bytes) {
  if (lost_) return;
  (void)nghttp2_session_consume(session_.get(), id, bytes);
  if (nghttp2_session_want_write(session_.get()) != 0) send_soon();
}

void Session::reset(std::int32_t id, std::uint32_t code) {
  if (lost_) return;
  (void)nghttp2_submit_rst_stream(session_.get(), NGHTTP2_FLAG_NONE, id, code);
  send_soon();
}

void Session::ping() {
  (void)nghttp2_submit_ping(session_.get(), NGHTTP2_FLAG_NONE, nullptr);
  send_soon();
}

}  // namespace nacelle::net::http2
