#include "net/http1/body_reader.h"

#include <algorithm>
#include <cstring>

namespace nacelle::net::http1 {

void BodyReader::begin(Stream& stream, BodyFraming framing, Duration timeout) {
  stream_ = &stream;
  framing_ = framing;
  timeout_ = timeout;
  decoder_.reset();
  left_ = framing.length;
  in_use_ = 0;
  done_ = framing.kind == BodyKind::kNone;
  touched_ = false;
  error_ = Status();
}

void BodyReader::release() {
  if (in_use_ == 0) return;
  stream_->input().consume(in_use_);
  in_use_ = 0;
}

bool BodyReader::untouched() const {
  return !done_ && !touched_ && (stream_ == nullptr || stream_->input().empty());
}

std::optional<std::uint64_t> BodyReader::bytes_left() const {
  if (done_) return 0;
  if (framing_.kind == BodyKind::kLength) return left_;
  return std::nullopt;
}

std::string_view BodyReader::take() {
  release();
  if (done_ || !error_.ok()) return {};
  const std::string_view unread = stream_->input().unread();
  if (unread.empty()) return {};
  touched_ = true;
  switch (framing_.kind) {
    case BodyKind::kLength: {
      in_use_ = static_cast<std::size_t>(std::min<std::uint64_t>(left_, unread.size()));
      left_ -= in_use_;
      done_ = left_ == 0;
      return unread.substr(0, in_use_);
    }
    case BodyKind::kUntilClose:
      in_use_ = unread.size();
      return unread;
    case BodyKind::kChunked:
      return take_chunked();
    case BodyKind::kNone:
      break;
  }
  return {};
}

std::string_view BodyReader::take_chunked() {
  char* const start = stream_->input().unread_data();
  std::string_view input = stream_->input().unread();
  std::size_t size = 0;  // of the data collected at the front
  for (;;) {
    const ChunkedDecoder::Step step = decoder_.next(input);
    in_use_ += step.consumed;
    input.remove_prefix(step.consumed);
    if (step.state != ChunkedDecoder::State::kData) {
      if (step.state == ChunkedDecoder::State::kDone) done_ = true;
      if (step.state == ChunkedDecoder::State::kError) {
        error_ = invalid_argument("bad chunked body: {}", decoder_.error());
      }
      break;
    }
    if (start + size != step.data.data()) {
      std::memmove(start + size, step.data.data(), step.data.size());
    }
    size += step.data.size();
  }
  if (size == 0) release();
  return {start, size};
}

std::optional<std::string_view> BodyReader::ready() {
  const std::string_view piece = take();
  // Data that came before bad framing is handed out first; the error comes with the next read.
  if (!piece.empty() || (done_ && error_.ok())) return piece;
  return std::nullopt;
}

async::Task<Result<std::string_view>> BodyReader::read() {
  for (;;) {
    if (const auto piece = ready()) co_return *piece;
    if (!error_.ok()) co_return error_;
    // Event streams come in small reads and need a small buffer, bulk data a large one.
    const bool bulk = (framing_.kind == BodyKind::kLength && left_ > ReadBuffer::kSmall) ||
                      stream_->last_read() > ReadBuffer::kSmall / 2;
    const TimePoint deadline = timeout_ > Duration::zero()
                                   ? std::chrono::steady_clock::now() + timeout_
                                   : async::kNoDeadline;
    const Result<bool> more =
        co_await stream_->more_input(deadline, bulk ? ReadBuffer::kLarge : ReadBuffer::kSmall);
    if (!more.ok()) {
      error_ = more.error();
    } else if (!*more) {
      if (framing_.kind == BodyKind::kUntilClose) {
        done_ = true;
      } else {
        error_ = data_loss("the connection ended before the body did");
      }
    }
  }
}

async::Task<Result<std::string>> BodyReader::read_all(std::size_t limit) {
  std::string body;
  if (const auto left = bytes_left(); left.has_value()) {
    if (*left > limit) co_return out_of_range("body of {} bytes is larger than {}", *left, limit);
    // What a peer merely declares is not allocated ahead beyond a small bound.
    body.reserve(static_cast<std::size_t>(std::min<std::uint64_t>(*left, 1 << 20)));
  }
  for (;;) {
    Result<std::string_view> piece = co_await read();
    if (!piece.ok()) co_return piece.error();
    if (piece->empty()) co_return body;
    if (piece->size() > limit - body.size()) {
      co_return out_of_range("body is larger than {} bytes", limit);
    }
    body.append(*piece);
  }
}

}  // namespace nacelle::net::http1
