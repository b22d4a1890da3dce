#include "kernels/attention/kv_quantize.h"

#include <algorithm>
#include <bit>
#include <limits>

namespace nacelle::kernels {
namespace {

constexpr std::uint32_t kMagnitude = 0x7fffffffu;
constexpr std::uint32_t kInfinity = 0x7f800000u;

// Without branches, so that the compiler makes vectors of it.
std::uint8_t to_e4m3(float value) {
  const auto bits = std::bit_cast<std::uint32_t>(value);
  const std::uint32_t magnitude = bits & kMagnitude;
  // Normal: 3 of 23 fraction bits stay, the exponent's bias changes by 120.
  const std::uint32_t bounded = std::min(magnitude, kInfinity);
  const std::uint32_t rounded = bounded + 0x7ffffu + ((bounded >> 20) & 1u);
  const std::uint32_t normal = std::min<std::uint32_t>((rounded >> 20) - (120u << 3), 0x7eu);
  // Below 2^-6: multiples of 2^-9, which is the last place of 2^14.
  const float shifted = std::bit_cast<float>(magnitude) + 16384.0F;
  const std::uint32_t subnormal = std::bit_cast<std::uint32_t>(shifted) - 0x46800000u;
  std::uint32_t code = magnitude < 0x3c800000u ? subnormal : normal;
  code = magnitude > kInfinity ? 0x7fu : code;
  return static_cast<std::uint8_t>(code | (bits >> 24 & 0x80u));
}

}  // namespace

void quantize_e4m3(const float* values, std::size_t count, float scale, std::uint8_t* target) {
  for (std::size_t i = 0; i < count; ++i) target[i] = to_e4m3(values[i] / scale);
}

float quantize_i8(const float* values, std::size_t count, std::uint8_t* target) {
  std::uint32_t most_bits = 0;
  for (std::size_t i = 0; i < count; ++i) {
    most_bits = std::max(most_bits, std::bit_cast<std::uint32_t>(values[i]) & kMagnitude);
  }
  const bool finite = most_bits < kInfinity;
  const float most = std::bit_cast<float>(most_bits);
  const float scale = most / 127.0F;
  if (!finite || scale < std::numeric_limits<float>::min()) {
    std::fill_n(target, count, std::uint8_t{0});
    return finite ? 0.0F : std::numeric_limits<float>::quiet_NaN();
  }
  // Adding 1.5 * 2^23 leaves the rounded integer in the low bits.
  constexpr float kRound = 12582912.0F;
  for (std::size_t i = 0; i < count; ++i) {
    target[i] = static_cast<std::uint8_t>(std::bit_cast<std::uint32_t>(values[i] / scale + kRound));
  }
  return scale;
}

}  // namespace nacelle::kernels
