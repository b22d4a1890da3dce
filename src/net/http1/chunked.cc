#include "net/http1/chunked.h"

#include <algorithm>

namespace nacelle::net::http1 {

namespace {

int hex_value(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

bool is_text(char c) {
  const auto byte = static_cast<unsigned char>(c);
  return (byte >= 0x20 && byte != 0x7F) || byte == '\t';
}

}  // namespace

bool ChunkedDecoder::fail(std::string_view why) {
  phase_ = Phase::kFailed;
  error_ = why;
  return false;
}

// Takes one byte of framing. False when the phase became kFailed.
bool ChunkedDecoder::frame_byte(char byte) {
  switch (phase_) {
    case Phase::kSize:
      if (const int digit = hex_value(byte); digit >= 0) {
        if (digits_ == 15) return fail("the chunk size is too large");  // 60 bits cannot overflow
        ++digits_;
        left_ = left_ * 16 + static_cast<std::uint64_t>(digit);
        return true;
      }
      if (digits_ == 0) return fail("the chunk size is not a hexadecimal number");
      if (byte == '\r') {
        phase_ = Phase::kSizeLf;
        return true;
      }
      if (byte == ';') {
        phase_ = Phase::kExtension;
        extension_bytes_ = 0;
        return true;
      }
      return fail("the chunk size is not a hexadecimal number");
    case Phase::kExtension:
      if (byte == '\r') {
        phase_ = Phase::kSizeLf;
        return true;
      }
      if (!is_text(byte)) return fail("a chunk extension has an invalid character");
      if (++extension_bytes_ > kMaxExtensionBytes) return fail("a chunk extension is too long");
      return true;
    case Phase::kSizeLf:
      if (byte != '\n') return fail("the chunk size line ends without line feed");
      phase_ = left_ > 0 ? Phase::kData : Phase::kTrailerStart;
      return true;
    case Phase::kDataCr:
      if (byte != '\r') return fail("chunk data is longer than its size");
      phase_ = Phase::kDataLf;
      return true;
    case Phase::kDataLf:
      if (byte != '\n') return fail("chunk data is longer than its size");
      phase_ = Phase::kSize;
      digits_ = 0;
      return true;
    case Phase::kTrailerStart:
      if (byte == '\r') {
        phase_ = Phase::kEndLf;
        return true;
      }
      phase_ = Phase::kTrailer;
      [[fallthrough]];
    case Phase::kTrailer:
      if (++trailer_bytes_ > kMaxTrailerBytes) return fail("the trailer is too large");
      if (byte == '\r') {
        phase_ = Phase::kTrailerLf;
        return true;
      }
      if (!is_text(byte)) return fail("the trailer has an invalid character");
      return true;
    case Phase::kTrailerLf:
      if (byte != '\n') return fail("a trailer line ends without line feed");
      phase_ = Phase::kTrailerStart;
      return true;
    case Phase::kEndLf:
      if (byte != '\n') return fail("the last chunk ends without line feed");
      phase_ = Phase::kEnd;
      return true;
    case Phase::kData:
    case Phase::kEnd:
    case Phase::kFailed:
      break;
  }
  return false;
}

ChunkedDecoder::Step ChunkedDecoder::next(std::string_view input) {
  std::size_t used = 0;
  while (phase_ != Phase::kEnd && phase_ != Phase::kFailed) {
    if (used == input.size()) return {State::kNeedMore, used, {}};
    if (phase_ == Phase::kData) {
      const auto take =
          static_cast<std::size_t>(std::min<std::uint64_t>(left_, input.size() - used));
      left_ -= take;
      if (left_ == 0) phase_ = Phase::kDataCr;
      return {State::kData, used + take, input.substr(used, take)};
    }
    frame_byte(input[used]);
    ++used;
  }
  return {phase_ == Phase::kEnd ? State::kDone : State::kError, used, {}};
}

ChunkPrefix::ChunkPrefix(std::size_t data_size) : start_(kSize - 2) {
  bytes_[start_] = '\r';
  bytes_[start_ + 1] = '\n';
  do {
    bytes_[--start_] = "0123456789abcdef"[data_size & 15];
    data_size >>= 4;
  } while (data_size != 0);
}

}  // namespace nacelle::net::http1
