#include "kv_events/msgpack_reader.h"

#include <bit>

namespace nacelle::kv_events {

Status MsgpackReader::status() const {
  if (ok()) return {};
  return invalid_argument("msgpack: {} at byte {} of {}", what_, at_, bytes_.size());
}

void MsgpackReader::fail(const char* what) {
  if (what_ == nullptr) what_ = what;
}

MsgpackReader::Kind MsgpackReader::peek() const {
  if (!ok() || at_end()) return Kind::kEnd;
  const std::uint8_t code = bytes_[at_];
  if (code < 0x80) return Kind::kUint;
  if (code < 0x90) return Kind::kMap;
  if (code < 0xa0) return Kind::kArray;
  if (code < 0xc0) return Kind::kText;
  if (code >= 0xe0) return Kind::kInt;
  switch (code) {
    case 0xc0:
      return Kind::kNil;
    case 0xc2:
    case 0xc3:
      return Kind::kBool;
    case 0xc4:
    case 0xc5:
    case 0xc6:
      return Kind::kBinary;
    case 0xca:
    case 0xcb:
      return Kind::kReal;
    case 0xcc:
    case 0xcd:
    case 0xce:
    case 0xcf:
      return Kind::kUint;
    case 0xd0:
    case 0xd1:
    case 0xd2:
    case 0xd3:
      return Kind::kInt;
    case 0xd9:
    case 0xda:
    case 0xdb:
      return Kind::kText;
    case 0xdc:
    case 0xdd:
      return Kind::kArray;
    case 0xde:
    case 0xdf:
      return Kind::kMap;
    case 0xc1:
      return Kind::kEnd;  // never used; whoever reads it fails
    default:
      return Kind::kExtension;
  }
}

std::uint8_t MsgpackReader::byte() {
  if (!ok()) return 0xc1;
  if (at_end()) {
    fail("the input ends");
    return 0xc1;
  }
  return bytes_[at_++];
}

std::uint64_t MsgpackReader::big_endian(int num_bytes) {
  std::uint64_t value = 0;
  for (const std::uint8_t part : take(static_cast<std::uint64_t>(num_bytes))) {
    value = value << 8 | part;
  }
  return value;
}

std::span<const std::uint8_t> MsgpackReader::take(std::uint64_t count) {
  if (!ok()) return {};
  if (count > bytes_.size() - at_) {
    fail("the input ends");
    return {};
  }
  const auto out = bytes_.subspan(at_, count);
  at_ += count;
  return out;
}

std::uint32_t MsgpackReader::checked_count(std::uint64_t count, std::uint64_t bytes_each) {
  if (!ok()) return 0;
  if (count * bytes_each > bytes_.size() - at_) {
    fail("more items are announced than bytes follow");
    return 0;
  }
  return static_cast<std::uint32_t>(count);
}

bool MsgpackReader::boolean() {
  const std::uint8_t code = byte();
  if (code != 0xc2 && code != 0xc3) fail("expected a boolean");
  return code == 0xc3;
}

std::uint64_t MsgpackReader::uint() {
  const std::uint8_t code = byte();
  if (code < 0x80) return code;
  if (code >= 0xcc && code <= 0xcf) return big_endian(1 << (code - 0xcc));
  if (code >= 0xd0 && code <= 0xd3) {  // signed form: fine when it is not below zero
    const int num_bytes = 1 << (code - 0xd0);
    const std::uint64_t value = big_endian(num_bytes);
    if ((value >> (8 * num_bytes - 1)) == 0) return value;
  }
  fail("expected a number that is not negative");
  return 0;
}

std::int64_t MsgpackReader::integer() {
  if (peek() != Kind::kInt) return static_cast<std::int64_t>(uint());
  const std::uint8_t code = byte();
  if (code >= 0xe0) return static_cast<std::int8_t>(code);
  const int unused_bits = 64 - (8 << (code - 0xd0));
  // Shifted up and down again: the sign fills the upper bits.
  return static_cast<std::int64_t>(big_endian(1 << (code - 0xd0)) << unused_bits) >> unused_bits;
}

double MsgpackReader::real() {
  switch (peek()) {
    case Kind::kUint:
      return static_cast<double>(uint());
    case Kind::kInt:
      return static_cast<double>(integer());
    default:
      break;
  }
  const std::uint8_t code = byte();
  if (code == 0xcb) return std::bit_cast<double>(big_endian(8));
  if (code == 0xca) {
    return std::bit_cast<float>(static_cast<std::uint32_t>(big_endian(4)));
  }
  fail("expected a number");
  return 0;
}

std::string_view MsgpackReader::text() {
  const std::uint8_t code = byte();
  std::uint64_t size = 0;
  if (code >= 0xa0 && code < 0xc0) {
    size = code & 0x1f;
  } else if (code >= 0xd9 && code <= 0xdb) {
    size = big_endian(1 << (code - 0xd9));
  } else {
    fail("expected a text");
  }
  const auto bytes = take(size);
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

std::span<const std::uint8_t> MsgpackReader::binary() {
  if (peek() == Kind::kText) {
    const std::string_view as_text = text();
    return {reinterpret_cast<const std::uint8_t*>(as_text.data()), as_text.size()};
  }
  const std::uint8_t code = byte();
  if (code < 0xc4 || code > 0xc6) {
    fail("expected bytes");
    return {};
  }
  return take(big_endian(1 << (code - 0xc4)));
}

std::uint32_t MsgpackReader::array() {
  const std::uint8_t code = byte();
  if (code >= 0x90 && code < 0xa0) return checked_count(code & 0x0f, 1);
  if (code == 0xdc || code == 0xdd) return checked_count(big_endian(code == 0xdc ? 2 : 4), 1);
  fail("expected an array");
  return 0;
}

std::uint32_t MsgpackReader::map() {
  const std::uint8_t code = byte();
  if (code >= 0x80 && code < 0x90) return checked_count(code & 0x0f, 2);
  if (code == 0xde || code == 0xdf) return checked_count(big_endian(code == 0xde ? 2 : 4), 2);
  fail("expected a map");
  return 0;
}

void MsgpackReader::skip(int depth) {
  if (depth > kMaxDepth) return fail("nested too deeply");
  switch (peek()) {
    case Kind::kNil:
    case Kind::kBool:
      (void)byte();
      return;
    case Kind::kUint:
      (void)uint();
      return;
    case Kind::kInt:
      (void)integer();
      return;
    case Kind::kReal:
      (void)real();
      return;
    case Kind::kText:
      (void)text();
      return;
    case Kind::kBinary:
      (void)binary();
      return;
    case Kind::kArray:
      for (std::uint32_t left = array(); left > 0 && ok(); --left) skip(depth + 1);
      return;
    case Kind::kMap:
      for (std::uint64_t left = std::uint64_t{2} * map(); left > 0 && ok(); --left) skip(depth + 1);
      return;
    case Kind::kExtension: {
      const std::uint8_t code = byte();
      const bool fixed = code >= 0xd4 && code <= 0xd8;
      const std::uint64_t size =
          fixed ? std::uint64_t{1} << (code - 0xd4) : big_endian(1 << (code - 0xc7));
      (void)take(1);  // the type
      (void)take(size);
      return;
    }
    case Kind::kEnd:
      return fail(at_end() ? "the input ends" : "byte 0xc1, which nothing uses");
  }
}

}  // namespace nacelle::kv_events
