// framing.h: gRPC messages in a byte stream: one flag byte, four bytes of length, the message.
//
// Errors:  out_of_range beyond the limit, unimplemented for compressed messages, data_loss for a
//          stream that ends within one, invalid_argument for a flag that does not exist.
// Bound:   a message that comes in pieces is collected, at most `max_message_bytes`; what is merely
//          announced is not allocated.
// Source:  github.com/grpc/grpc doc/PROTOCOL-HTTP2.md.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"

namespace nacelle::net::grpc {

inline constexpr std::size_t kPrefixBytes = 5;
inline constexpr std::size_t kDefaultMaxMessageBytes = 4 * 1024 * 1024;

// Writes the prefix of a message of `size` bytes to the first kPrefixBytes of `at`.
void write_prefix(char* at, std::size_t size);

// Appends the message behind its prefix.
void append_framed(std::string_view message, std::string& to);

class MessageReader {
 public:
  explicit MessageReader(std::size_t max_message_bytes) : max_bytes_(max_message_bytes) {}

  // Takes bytes off the front of `input`, up to the end of one message. nullopt: all of them were
  // taken and the message is not complete. The message lives until the next call or, when it lay
  // whole in `input`, as long as that memory. After an error every call returns it.
  [[nodiscard]] Result<std::optional<std::string_view>> next(std::string_view& input);

  // The message that next() returned last comes from it once more. It may lie in memory that goes.
  void put_back(std::string_view message);

  // The stream ended here: data_loss within a message.
  [[nodiscard]] Status finish() const;

 private:
  const std::size_t max_bytes_;
  char prefix_[kPrefixBytes] = {};
  std::size_t have_prefix_ = 0;
  std::size_t size_ = 0;  // of the message, once the prefix is complete
  std::string collected_;
  bool put_back_ = false;  // `collected_` is a message to be returned
};

}  // namespace nacelle::net::grpc
