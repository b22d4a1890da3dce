// body_reader.h: the body of one message, out of a stream, with its framing removed.
//
// Pieces are views into the stream's buffer. A chunked body is decoded in place: all chunks that
// have arrived become one piece, so that a forwarder makes one write of several server-sent events.
//
// Home:    the stream's loop.
// Errors:  invalid_argument (bad chunk framing), deadline_exceeded, cancelled (connection lost);
//          data_loss when the stream ended before the body. After an error the connection is
//          unusable.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "async/task.h"
#include "base/result.h"
#include "net/http1/chunked.h"
#include "net/http1/head_parser.h"
#include "net/stream.h"

namespace nacelle::net::http1 {

class BodyReader {
 public:
  // `timeout` bounds the wait for each piece; zero means no bound.
  void begin(Stream& stream, BodyFraming framing, Duration timeout);
  void set_timeout(Duration timeout) { timeout_ = timeout; }

  // The next piece; empty at the end. Valid until the next read() or release().
  [[nodiscard]] async::Task<Result<std::string_view>> read();
  // The rest, copied. out_of_range beyond `limit`.
  [[nodiscard]] async::Task<Result<std::string>> read_all(std::size_t limit);

  // Takes a piece without waiting; empty when more bytes are needed, at the end or after an error.
  [[nodiscard]] std::string_view take();
  // What read() would return without waiting; nullopt when it has to wait, or would fail.
  [[nodiscard]] std::optional<std::string_view> ready();

  // Marks the last piece as used; its view ends.
  void release();

  [[nodiscard]] bool done() const { return done_; }
  // No piece was read and none of the body has arrived.
  [[nodiscard]] bool untouched() const;
  // Bytes that are still to come, when that is known.
  [[nodiscard]] std::optional<std::uint64_t> bytes_left() const;

 private:
  std::string_view take_chunked();

  Stream* stream_ = nullptr;
  BodyFraming framing_;
  Duration timeout_{};
  ChunkedDecoder decoder_;
  std::uint64_t left_ = 0;  // of kLength
  std::size_t in_use_ = 0;  // bytes of the buffer that the last piece and its framing occupy
  bool done_ = true;
  bool touched_ = false;
  Status error_;
};

}  // namespace nacelle::net::http1
