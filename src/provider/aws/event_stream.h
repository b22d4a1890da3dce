// event_stream.h: the binary framing of AWS streams, application/vnd.amazon.eventstream.
//
//   total_length:u32 headers_length:u32 prelude_crc:u32 | headers | payload | message_crc:u32
//   header: name_length:u8 name type:u8 value; a string (type 7) is length:u16 and bytes
//
// Integers are big endian; CRCs are CRC-32 (IEEE), the prelude's over its first 8 bytes, the
// message's over all before it. Only string headers are kept; other types are stepped over.
//
// Home:    one connection's loop. Not thread-safe.
// Errors:  data_loss for a wrong CRC or a frame that contradicts itself, out_of_range beyond the
//          bound; the decoder then stays failed.
// Bounds:  one frame of max_message_bytes is held.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/status.h"

namespace nacelle::provider::aws {

// Views are valid until the next call of next() or feed().
struct Message {
  std::vector<std::pair<std::string_view, std::string_view>> headers;
  std::string_view payload;

  // "" when there is no such header.
  [[nodiscard]] std::string_view header(std::string_view name) const;
};

class EventStreamDecoder {
 public:
  explicit EventStreamDecoder(std::size_t max_message_bytes)
      : max_message_bytes_(max_message_bytes) {}

  void feed(std::string_view bytes);
  // The next whole message; nullopt when more bytes are needed or after a failure.
  [[nodiscard]] std::optional<Message> next();
  [[nodiscard]] const Status& status() const { return status_; }
  // True between two messages.
  [[nodiscard]] bool at_boundary() const { return pos_ == buffer_.size(); }

 private:
  Status check_prelude(std::string_view prelude);

  std::size_t max_message_bytes_;
  std::string buffer_;
  std::size_t pos_ = 0;  // of the next message in buffer_
  Status status_;
};

// One message with string headers; for tests and simulators of AWS.
[[nodiscard]] std::string encode_message(
    const std::vector<std::pair<std::string, std::string>>& headers, std::string_view payload);

[[nodiscard]] std::uint32_t crc32(std::string_view bytes);

}  // namespace nacelle::provider::aws
