// msgpack_reader.h: takes MessagePack apart, item by item, and trusts nothing.
//
// Views point into the input. A count is refused before anything is sized by it: every announced
// item needs at least a byte of what is left. skip() goes at most kMaxDepth deep.
//
// Home:    pure.
// Errors:  the first one stays: ok() turns false, status() says what and where, later calls give
//          zeros, so a caller may check once per record.
// Source:  the MessagePack specification. Extension types are skipped, never read.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "base/result.h"

namespace nacelle::kv_events {

class MsgpackReader {
 public:
  enum class Kind {
    kNil,
    kBool,
    kUint,
    kInt,
    kReal,
    kText,
    kBinary,
    kArray,
    kMap,
    kExtension,
    kEnd
  };
  static constexpr int kMaxDepth = 16;

  explicit MsgpackReader(std::span<const std::uint8_t> bytes) : bytes_(bytes) {}

  [[nodiscard]] bool ok() const { return what_ == nullptr; }
  [[nodiscard]] Status status() const;
  [[nodiscard]] std::size_t offset() const { return at_; }
  [[nodiscard]] bool at_end() const { return at_ == bytes_.size(); }
  // Of the next item; kEnd at the end and after an error. kInt is a negative number.
  [[nodiscard]] Kind peek() const;

  // True, and the item is taken, when the next one is nil.
  [[nodiscard]] bool take_nil() {
    if (peek() != Kind::kNil) return false;
    ++at_;
    return true;
  }
  bool boolean();
  std::uint64_t uint();
  // Any integer of 64 bits; unsigned ones beyond INT64_MAX keep their bits.
  std::int64_t integer();
  double real();  // integers too
  std::string_view text();
  std::span<const std::uint8_t> binary();  // text too
  std::uint32_t array();                   // number of items that follow
  std::uint32_t map();                     // number of pairs that follow
  void skip() { skip(0); }

  // Marks the input as wrong; `what` is a literal.
  void fail(const char* what);

 private:
  std::uint8_t byte();
  std::uint64_t big_endian(int num_bytes);
  std::span<const std::uint8_t> take(std::uint64_t count);
  std::uint32_t checked_count(std::uint64_t count, std::uint64_t bytes_each);
  void skip(int depth);

  std::span<const std::uint8_t> bytes_;
  std::size_t at_ = 0;
  const char* what_ = nullptr;
};

}  // namespace nacelle::kv_events
