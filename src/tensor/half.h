// half.h: BFloat16 and Float16 as value types.
//
// Conversion from float rounds to nearest, ties to even; NaN stays NaN (quiet), values beyond the
// largest finite one become infinity, and Float16 keeps subnormals. Arithmetic is done in float.
#pragma once

#include <bit>
#include <cstdint>

namespace nacelle {

struct BFloat16 {
  std::uint16_t bits = 0;

  BFloat16() = default;
  explicit BFloat16(float value) : bits(round(value)) {}
  explicit operator float() const { return std::bit_cast<float>(std::uint32_t{bits} << 16); }
  static BFloat16 from_bits(std::uint16_t bits) {
    BFloat16 result;
    result.bits = bits;
    return result;
  }
  friend bool operator==(const BFloat16&, const BFloat16&) = default;  // of the bits

 private:
  static std::uint16_t round(float value) {
    const auto word = std::bit_cast<std::uint32_t>(value);
    if ((word & 0x7fffffffu) > 0x7f800000u) {
      return static_cast<std::uint16_t>((word >> 16) | 0x40u);
    }
    return static_cast<std::uint16_t>((word + 0x7fffu + ((word >> 16) & 1u)) >> 16);
  }
};

struct Float16 {
  std::uint16_t bits = 0;

  Float16() = default;
  explicit Float16(float value) : bits(round(value)) {}
  explicit operator float() const { return widen(bits); }
  static Float16 from_bits(std::uint16_t bits) {
    Float16 result;
    result.bits = bits;
    return result;
  }
  friend bool operator==(const Float16&, const Float16&) = default;  // of the bits

 private:
  static std::uint16_t round(float value);
  static float widen(std::uint16_t bits);
};

static_assert(sizeof(BFloat16) == 2 && sizeof(Float16) == 2);

}  // namespace nacelle
