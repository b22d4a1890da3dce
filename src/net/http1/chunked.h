// chunked.h: the chunked transfer coding, both ways.
//
// Source:  RFC 9112 section 7.1. Chunk extensions and trailers are read within bounds and dropped.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace nacelle::net::http1 {

class ChunkedDecoder {
 public:
  enum class State : std::uint8_t { kNeedMore, kData, kDone, kError };
  struct Step {
    State state = State::kNeedMore;
    std::size_t consumed = 0;  // input bytes used up, framing and data
    std::string_view data;     // a part of the input, when kData
  };

  static constexpr std::size_t kMaxExtensionBytes = 256;     // per chunk
  static constexpr std::size_t kMaxTrailerBytes = 8 * 1024;  // of all trailer lines

  // Takes the next piece of data, or as much framing as there is. After kNeedMore all input is
  // consumed. Bytes after kDone belong to the next message.
  [[nodiscard]] Step next(std::string_view input);

  [[nodiscard]] bool done() const { return phase_ == Phase::kEnd; }
  [[nodiscard]] std::string_view error() const { return error_; }  // static text
  void reset() { *this = ChunkedDecoder(); }

 private:
  enum class Phase : std::uint8_t {
    kSize,
    kExtension,
    kSizeLf,
    kData,
    kDataCr,
    kDataLf,
    kTrailerStart,
    kTrailer,
    kTrailerLf,
    kEndLf,
    kEnd,
    kFailed,
  };
  bool frame_byte(char byte);
  bool fail(std::string_view why);

  Phase phase_ = Phase::kSize;
  std::uint8_t digits_ = 0;
  std::uint64_t left_ = 0;  // of the chunk's data
  std::size_t extension_bytes_ = 0;
  std::size_t trailer_bytes_ = 0;
  std::string_view error_;
};

// The line before a chunk: "1a\r\n". `data_size` > 0.
struct ChunkPrefix {
  explicit ChunkPrefix(std::size_t data_size);
  [[nodiscard]] std::string_view view() const {
    return {bytes_.data() + start_, bytes_.size() - start_};
  }

 private:
  static constexpr std::size_t kSize = 18;
  std::array<char, kSize> bytes_{};
  std::size_t start_;
};
inline constexpr std::string_view kChunkSuffix = "\r\n";
inline constexpr std::string_view kLastChunk = "0\r\n\r\n";

}  // namespace nacelle::net::http1
