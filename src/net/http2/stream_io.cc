#include "net/http2/stream_io.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "base/check.h"
#include "net/http2/head_builder.h"
#include "net/http2/session.h"

namespace nacelle::net::http2 {

namespace {

constexpr std::size_t kKeptCapacity = 16 * 1024;  // of buffers that an idle object holds on to

async::Task<Status> ready(Status status) { co_return status; }

void shrink(std::string& text) {
  text.clear();
  if (text.capacity() > kKeptCapacity) std::string().swap(text);
}

bool is_secret(std::string_view name) {
  for (std::string_view secret : {"authorization", "cookie", "set-cookie", "x-api-key", "api-key",
                                  "proxy-authorization", "x-goog-api-key"}) {
    if (http::equals_ignore_case(name, secret)) return true;
  }
  return false;
}

}  // namespace

StreamIo::StreamIo(async::Loop& loop)
    : loop_(loop),
      read_deadline_(loop, &StreamIo::on_read_deadline, this),
      stall_deadline_(loop, &StreamIo::on_stall, this) {}

StreamIo::~StreamIo() {
  if (session_ != nullptr) session_->unlink(*this);
}

void StreamIo::attach(Session& session, std::int32_t id) {
  CHECK(session_ == nullptr);
  session_ = &session;
  id_ = id;
  session.link(*this);
}

void StreamIo::detach(std::uint32_t reset_code) {
  if (session_ == nullptr) return;
  if (!closed_) reset(reset_code);
  discard_input();
  session_->unlink(*this);
  session_ = nullptr;
}

void StreamIo::clear() {
  CHECK(session_ == nullptr);
  id_ = 0;
  shrink(arriving_);
  shrink(handed_);
  shrink(kept_);
  shrink(replies_);
  replies_framed_ = owed_ = 0;
  sink_ = nullptr;
  left_ = heard_ = replies_newer_ = false;
  lent_.clear();
  next_lent_ = lent_bytes_ = 0;
  trailers_out_.clear();
  read_deadline_.disarm();
  stall_deadline_.disarm();
  end_code_ = 0;
  has_trailers_out_ = end_wanted_ = local_ended_ = remote_ended_ = closed_ = stalled_ = false;
  discarding_ = deferred_ = read_timed_out_ = read_interrupted_ = reset_on_purpose_ =
      reset_when_ended_ = false;
}

void StreamIo::reset(std::uint32_t code) {
  if (session_ == nullptr || closed_) return;
  reset_on_purpose_ = true;
  session_->reset(id_, code);
}

Status StreamIo::closed_status() const {
  if (end_code_ == kConnectionLost) return cancelled("the connection was lost");
  return cancelled("the stream was reset: {}", nghttp2_http2_strerror(end_code_));
}

// ---- in

void StreamIo::take_data(std::string_view data) {
  if (discarding_) {
    session_->consume(id_, data.size());
    return;
  }
  if (sink_ != nullptr) {
    heard_ = true;
    if (offer(*sink_, data)) return;
    sink_ = nullptr;
    left_ = true;
  }
  arriving_.append(data);
  read_waiter_.post_resume();
}

void StreamIo::take_remote_end() {
  remote_ended_ = true;
  read_waiter_.post_resume();
}

void StreamIo::take_close(std::uint32_t code) {
  closed_ = true;
  end_code_ = code;
  sink_ = nullptr;
  replies_.clear();
  replies_framed_ = 0;
  lent_.clear();
  next_lent_ = lent_bytes_ = 0;
  stall_deadline_.disarm();
  read_waiter_.post_resume();
  write_waiter_.post_resume();
  stream_closed();
}

void StreamIo::discard_input() {
  discarding_ = true;
  const std::size_t unread = arriving_.size() + handed_.size() + std::exchange(owed_, 0);
  arriving_.clear();
  handed_.clear();
  if (unread > 0 && session_ != nullptr) session_->consume(id_, unread);
}

void StreamIo::give_back_handed() {
  const std::size_t used = handed_.size();
  handed_.clear();
  if (used > 0 && session_ != nullptr) session_->consume(id_, used);
}

async::Task<Result<std::string_view>> StreamIo::read(Duration timeout) {
  give_back_handed();
  read_timed_out_ = false;
  while (arriving_.empty()) {
    if (remote_ended_) co_return std::string_view();
    if (closed_) co_return closed_status();
    if (session_ == nullptr) co_return cancelled("the stream is closed");
    if (read_timed_out_) co_return deadline_exceeded("nothing was received in time");
    if (std::exchange(read_interrupted_, false)) co_return cancelled("the read was interrupted");
    read_deadline_.arm_after(timeout);
    const bool resumed = co_await read_waiter_.wait();
    read_deadline_.disarm();
    if (!resumed) co_return cancelled("the waiting task was cancelled");
  }
  handed_.swap(arriving_);
  co_return std::string_view(handed_);
}

async::Task<Result<std::string>> StreamIo::read_all(std::size_t limit, Duration timeout) {
  std::string body;
  for (;;) {
    Result<std::string_view> piece = co_await read(timeout);
    if (!piece.ok()) co_return piece.error();
    if (piece->empty()) co_return body;
    if (piece->size() > limit - body.size()) {
      co_return out_of_range("body is larger than {} bytes", limit);
    }
    if (body.empty() && remote_ended_ && arriving_.empty()) {
      body.swap(handed_);  // the usual small body: no copy
      if (session_ != nullptr) session_->consume(id_, body.size());
      co_return body;
    }
    body.append(*piece);
  }
}

async::Task<Result<bool>> StreamIo::feed(http::BodySink& sink, Duration timeout, Duration stall) {
  give_back_handed();
  read_timed_out_ = false;
  read_timeout_ = timeout;
  reply_stall_ = stall;
  for (;;) {
    if (!arriving_.empty() && !closed_ && session_ != nullptr) {
      std::string_view left = arriving_;
      const bool all = offer(sink, left);
      arriving_.erase(0, arriving_.size() - left.size());
      session_->send_soon();
      if (!all) co_return true;
    }
    if (arriving_.empty() && remote_ended_) co_return false;
    if (stalled_) co_return deadline_exceeded("the peer did not read in time");
    if (closed_) co_return closed_status();
    if (session_ == nullptr) co_return cancelled("the stream is closed");
    if (read_timed_out_) co_return deadline_exceeded("nothing was received in time");
    if (std::exchange(read_interrupted_, false)) co_return cancelled("the read was interrupted");
    sink_ = &sink;
    heard_ = false;
    read_deadline_.arm_after(timeout);
    const bool resumed = co_await read_waiter_.wait();
    read_deadline_.disarm();
    sink_ = nullptr;
    if (std::exchange(left_, false)) co_return true;
    if (!resumed) co_return cancelled("the waiting task was cancelled");
  }
}

void StreamIo::interrupt_read() {
  read_interrupted_ = true;
  read_waiter_.post_resume();
}

// From feed(), or from the session's receive(): nghttp2 may be on the stack.
bool StreamIo::offer(http::BodySink& sink, std::string_view& data) {
  const std::size_t size = data.size();
  const bool all = sink.take(data, replies_);
  owed_ += size - data.size();
  if (unframed() == 0) {
    give_back_owed();
  } else {
    watch_replies();
    resume();
  }
  return all;
}

void StreamIo::give_back_owed() {
  const std::size_t used = std::exchange(owed_, 0);
  if (used > 0 && session_ != nullptr) session_->consume(id_, used);
}

// Nothing is armed per reply: a deadline that runs serves for the replies that come later, too, and
// is armed anew for them when it passes.
void StreamIo::watch_replies() {
  if (stall_deadline_.armed()) {
    replies_newer_ = true;
    return;
  }
  stall_ = reply_stall_;
  replies_newer_ = false;
  stall_deadline_.arm_after(stall_);
}

void StreamIo::on_read_deadline(void* self) {
  auto* io = static_cast<StreamIo*>(self);
  if (io->sink_ != nullptr && std::exchange(io->heard_, false)) {
    io->read_deadline_.arm_after(io->read_timeout_);
    return;
  }
  io->read_timed_out_ = true;
  io->read_waiter_.resume();
}

// ---- out

void StreamIo::lend(std::span<const std::string_view> pieces, bool end) {
  lent_.clear();
  next_lent_ = lent_bytes_ = 0;
  for (std::string_view piece : pieces) {
    if (piece.empty()) continue;
    lent_.push_back(piece);
    lent_bytes_ += piece.size();
  }
  end_wanted_ = end;
}

void StreamIo::keep_rest() {
  if (lent_bytes_ == 0) return;
  std::string rest;
  rest.reserve(lent_bytes_);
  for (std::size_t i = next_lent_; i < lent_.size(); ++i) rest.append(lent_[i]);
  kept_ = std::move(rest);
  lent_.assign({std::string_view(kept_)});
  next_lent_ = 0;
}

void StreamIo::set_trailers(const http::Headers& trailers) {
  trailers_out_ = trailers;
  has_trailers_out_ = !trailers.empty();
}

async::Task<Status> StreamIo::write(std::string_view data, bool end, Duration stall) {
  if (closed_ || session_ == nullptr) return ready(closed_status());
  lend({&data, 1}, end);
  resume();
  return wait_framed(stall);
}

void StreamIo::resume() {
  if (!deferred_) return;
  deferred_ = false;
  (void)nghttp2_session_resume_data(session_->raw(), id_);
}

async::Task<Status> StreamIo::wait_framed(Duration stall) {
  if (session_ != nullptr) session_->send_soon();
  if (lent_bytes_ == 0) return ready(Status());
  return wait_framed_slowly(stall);
}

async::Task<Status> StreamIo::wait_framed_slowly(Duration stall) {
  stall_ = stall;
  stalled_ = replies_newer_ = false;
  stall_deadline_.arm_after(stall);
  while (lent_bytes_ > 0 && !closed_ && !stalled_ && session_ != nullptr) {
    const bool resumed = co_await write_waiter_.wait();
    if (resumed) continue;
    stall_deadline_.disarm();
    lend({}, false);  // the caller's memory goes away; what was promised cannot be sent any more
    reset(NGHTTP2_CANCEL);
    co_return cancelled("the waiting task was cancelled");
  }
  stall_deadline_.disarm();
  if (stalled_) co_return deadline_exceeded("the peer did not read in time");
  if (closed_ || session_ == nullptr) co_return closed_status();
  co_return Status();
}

void StreamIo::on_stall(void* self) {
  auto* io = static_cast<StreamIo*>(self);
  if (io->unframed() == 0) return;
  if (std::exchange(io->replies_newer_, false)) {
    io->stall_deadline_.arm_after(io->stall_);
    return;
  }
  io->stalled_ = true;
  io->lend({}, false);
  io->replies_.clear();
  io->replies_framed_ = 0;
  io->reset(NGHTTP2_CANCEL);
  io->write_waiter_.post_resume();
  io->read_waiter_.post_resume();
}

nghttp2_data_provider StreamIo::provider() {
  nghttp2_data_provider provider;
  provider.source.ptr = this;
  provider.read_callback = &StreamIo::read_lent;
  return provider;
}

std::size_t StreamIo::frame_replies(std::uint8_t* to, std::size_t size) {
  const std::size_t count = std::min(size, replies_.size() - replies_framed_);
  if (count == 0) return 0;
  std::memcpy(to, replies_.data() + replies_framed_, count);
  replies_framed_ += count;
  if (replies_framed_ == replies_.size()) {
    shrink(replies_);
    replies_framed_ = 0;
  }
  return count;
}

ssize_t StreamIo::read_lent(nghttp2_session* session, std::int32_t id, std::uint8_t* to,
                            std::size_t size, std::uint32_t* flags, nghttp2_data_source* source,
                            void*) {
  // A detached object may be gone; its stream is being reset, but a frame may still be asked for.
  auto* io = static_cast<StreamIo*>(nghttp2_session_get_stream_user_data(session, id));
  if (io == nullptr || io != source->ptr) return NGHTTP2_ERR_DEFERRED;
  if (io->unframed() == 0 && !io->end_wanted_) {
    io->deferred_ = true;
    return NGHTTP2_ERR_DEFERRED;
  }
  std::size_t count = io->frame_replies(to, size);
  while (count < size && io->next_lent_ < io->lent_.size()) {
    std::string_view& piece = io->lent_[io->next_lent_];
    const std::size_t part = std::min(size - count, piece.size());
    std::memcpy(to + count, piece.data(), part);
    count += part;
    piece.remove_prefix(part);
    if (piece.empty()) ++io->next_lent_;
    io->lent_bytes_ -= part;
  }
  if (io->unframed() > 0) {
    if (io->stall_deadline_.armed()) io->stall_deadline_.arm_after(io->stall_);
    return static_cast<ssize_t>(count);
  }
  io->give_back_owed();
  io->write_waiter_.post_resume();
  io->all_framed();
  if (io->end_wanted_) {
    *flags |= NGHTTP2_DATA_FLAG_EOF;
    if (io->has_trailers_out_) {
      *flags |= NGHTTP2_DATA_FLAG_NO_END_STREAM;
      std::vector<nghttp2_nv> fields;
      append_fields(fields, io->trailers_out_);
      (void)nghttp2_submit_trailer(session, id, fields.data(), fields.size());
    }
  }
  return static_cast<ssize_t>(count);
}

void append_field(std::vector<nghttp2_nv>& to, std::string_view name, std::string_view value) {
  static_assert(sizeof(std::uint8_t) == sizeof(char));
  nghttp2_nv field;
  field.name = reinterpret_cast<std::uint8_t*>(const_cast<char*>(name.data()));
  field.value = reinterpret_cast<std::uint8_t*>(const_cast<char*>(value.data()));
  field.namelen = name.size();
  field.valuelen = value.size();
  field.flags = is_secret(name) ? NGHTTP2_NV_FLAG_NO_INDEX : NGHTTP2_NV_FLAG_NONE;
  to.push_back(field);
}

void append_fields(std::vector<nghttp2_nv>& to, const http::Headers& headers) {
  for (const auto& field : headers) {
    if (!is_connection_field(field.name)) append_field(to, field.name, field.value);
  }
}

}  // namespace nacelle::net::http2
