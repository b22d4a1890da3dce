// cbor_write.h: the little of canonical CBOR that block hashes are computed over.
//
// Source:  RFC 8949 section 4.2: heads have their shortest form.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

namespace nacelle::block_hash {

enum class CborMajor : std::uint8_t {
  kUnsigned = 0,
  kNegative = 1,
  kByteString = 2,
  kString = 3,
  kArray = 4,
  kMap = 5
};
inline constexpr std::uint8_t kCborNull = 0xf6;

inline void cbor_head(std::vector<std::uint8_t>& out, CborMajor major, std::uint64_t value) {
  const auto top = static_cast<std::uint8_t>(static_cast<std::uint8_t>(major) << 5);
  if (value < 24) {
    out.push_back(static_cast<std::uint8_t>(top | value));
    return;
  }
  const int size_code = value <= 0xff ? 0 : value <= 0xffff ? 1 : value <= 0xffffffff ? 2 : 3;
  out.push_back(static_cast<std::uint8_t>(top | (24 + size_code)));
  for (int shift = (8 << size_code) - 8; shift >= 0; shift -= 8) {
    out.push_back(static_cast<std::uint8_t>(value >> shift));
  }
}

inline void cbor_text(std::vector<std::uint8_t>& out, std::string_view text) {
  cbor_head(out, CborMajor::kString, text.size());
  out.insert(out.end(), text.begin(), text.end());
}

}  // namespace nacelle::block_hash
