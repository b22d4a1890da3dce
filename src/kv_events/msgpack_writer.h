// msgpack_writer.h: appends MessagePack to a buffer, every item in its shortest form.
//
// Home:    pure. The caller writes as many items as it announced.
// Source:  the MessagePack specification; shortest forms as msgpack-python and msgspec write them.
#pragma once

#include <bit>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace nacelle::kv_events {

class MsgpackWriter {
 public:
  explicit MsgpackWriter(std::string& out) : out_(out) {}

  void nil() { byte(0xc0); }
  void boolean(bool value) { byte(value ? 0xc3 : 0xc2); }
  void real(double value) {
    byte(0xcb);
    big_endian(std::bit_cast<std::uint64_t>(value), 8);
  }
  void uint(std::uint64_t value) {
    if (value < 0x80) {
      byte(static_cast<std::uint8_t>(value));
    } else if (value <= 0xff) {
      head(0xcc, value, 1);
    } else if (value <= 0xffff) {
      head(0xcd, value, 2);
    } else if (value <= 0xffffffff) {
      head(0xce, value, 4);
    } else {
      head(0xcf, value, 8);
    }
  }
  void integer(std::int64_t value) {
    if (value >= 0) return uint(static_cast<std::uint64_t>(value));
    if (value >= -32) {
      byte(static_cast<std::uint8_t>(value));
    } else if (value >= INT8_MIN) {
      head(0xd0, static_cast<std::uint64_t>(value), 1);
    } else if (value >= INT16_MIN) {
      head(0xd1, static_cast<std::uint64_t>(value), 2);
    } else if (value >= INT32_MIN) {
      head(0xd2, static_cast<std::uint64_t>(value), 4);
    } else {
      head(0xd3, static_cast<std::uint64_t>(value), 8);
    }
  }
  void text(std::string_view value) {
    if (value.size() < 32) {
      byte(static_cast<std::uint8_t>(0xa0 | value.size()));
    } else if (value.size() <= 0xff) {
      head(0xd9, value.size(), 1);
    } else {
      sized(0xda, value.size());
    }
    out_ += value;
  }
  void binary(std::span<const std::uint8_t> value) {
    if (value.size() <= 0xff) {
      head(0xc4, value.size(), 1);
    } else {
      sized(0xc5, value.size());
    }
    out_.append(reinterpret_cast<const char*>(value.data()), value.size());
  }
  void array(std::size_t count) {
    if (count < 16) return byte(static_cast<std::uint8_t>(0x90 | count));
    sized(0xdc, count);
  }
  void map(std::size_t count) {
    if (count < 16) return byte(static_cast<std::uint8_t>(0x80 | count));
    sized(0xde, count);
  }

 private:
  void byte(std::uint8_t value) { out_.push_back(static_cast<char>(value)); }
  void big_endian(std::uint64_t value, int num_bytes) {
    for (int shift = 8 * num_bytes - 8; shift >= 0; shift -= 8) {
      byte(static_cast<std::uint8_t>(value >> shift));
    }
  }
  void head(std::uint8_t code, std::uint64_t value, int num_bytes) {
    byte(code);
    big_endian(value, num_bytes);
  }
  // A 16-bit form and the 32-bit one behind it.
  void sized(std::uint8_t code16, std::size_t count) {
    if (count <= 0xffff) {
      head(code16, count, 2);
    } else {
      head(static_cast<std::uint8_t>(code16 + 1), count, 4);
    }
  }

  std::string& out_;
};

}  // namespace nacelle::kv_events
