#include "tensor/convert.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>
#include <limits>

#include "tensor/half.h"

namespace nacelle {
namespace {

constexpr std::size_t kChunk = 1024;  // elements converted through one stack buffer

template <class T>
void widen(const void* source, float* target, std::size_t count) {
  const T* typed = static_cast<const T*>(source);
  for (std::size_t i = 0; i < count; ++i) target[i] = static_cast<float>(typed[i]);
}

template <class T>
void narrow(const float* source, void* target, std::size_t count) {
  T* typed = static_cast<T*>(target);
  for (std::size_t i = 0; i < count; ++i) typed[i] = static_cast<T>(source[i]);
}

template <float (*kDecode)(std::uint8_t)>
const std::array<float, 256>& table() {
  static const std::array<float, 256> values = [] {
    std::array<float, 256> made{};
    for (std::size_t i = 0; i < made.size(); ++i) made[i] = kDecode(static_cast<std::uint8_t>(i));
    return made;
  }();
  return values;
}

void widen_bytes(const std::array<float, 256>& values, const void* source, float* target,
                 std::size_t count) {
  const auto* bytes = static_cast<const std::uint8_t*>(source);
  for (std::size_t i = 0; i < count; ++i) target[i] = values[bytes[i]];
}

using Widen = void (*)(const void*, float*, std::size_t);
using Narrow = void (*)(const float*, void*, std::size_t);

Widen widen_for(DType from) {
  switch (from) {
    case DType::kF64:
      return widen<double>;
    case DType::kF32:
      return widen<float>;
    case DType::kF16:
      return widen<Float16>;
    case DType::kBF16:
      return widen<BFloat16>;
    case DType::kF8E4M3:
      return [](const void* s, float* t, std::size_t n) {
        widen_bytes(table<f8_e4m3_to_float>(), s, t, n);
      };
    case DType::kF8E5M2:
      return [](const void* s, float* t, std::size_t n) {
        widen_bytes(table<f8_e5m2_to_float>(), s, t, n);
      };
    case DType::kF8E8M0:
      return [](const void* s, float* t, std::size_t n) {
        widen_bytes(table<f8_e8m0_to_float>(), s, t, n);
      };
    default:
      return nullptr;
  }
}

Narrow narrow_for(DType to) {
  switch (to) {
    case DType::kF64:
      return narrow<double>;
    case DType::kF32:
      return narrow<float>;
    case DType::kF16:
      return narrow<Float16>;
    case DType::kBF16:
      return narrow<BFloat16>;
    default:
      return nullptr;
  }
}

}  // namespace

float f8_e4m3_to_float(std::uint8_t bits) {
  const float sign = (bits & 0x80u) != 0 ? -1.0F : 1.0F;
  const unsigned exponent = (bits >> 3) & 0xfu;
  const unsigned mantissa = bits & 7u;
  if (exponent == 15 && mantissa == 7) return std::numeric_limits<float>::quiet_NaN();
  if (exponent == 0) return sign * static_cast<float>(mantissa) * 0x1p-9F;
  const auto scale = std::bit_cast<float>((exponent + 120u) << 23);  // 2^(exponent - 7)
  return sign * scale * (1.0F + static_cast<float>(mantissa) / 8.0F);
}

float f8_e5m2_to_float(std::uint8_t bits) {
  return static_cast<float>(Float16::from_bits(static_cast<std::uint16_t>(bits << 8)));
}

float f8_e8m0_to_float(std::uint8_t bits) {
  if (bits == 0xff) return std::numeric_limits<float>::quiet_NaN();
  if (bits == 0) return 0x1p-127F;
  return std::bit_cast<float>(std::uint32_t{bits} << 23);
}

Status convert(DType from, const void* source, DType to, void* target, std::size_t count) {
  const Widen widen_run = widen_for(from);
  const Narrow narrow_run = narrow_for(to);
  if (widen_run == nullptr || narrow_run == nullptr) {
    return unimplemented("no conversion from {} to {}", to_string(from), to_string(to));
  }
  if (count == 0) return {};
  if (from == to) {
    std::memcpy(target, source, count * size_of(from));
    return {};
  }
  const auto* in = static_cast<const std::byte*>(source);
  auto* out = static_cast<std::byte*>(target);
  std::array<float, kChunk> middle;
  for (std::size_t begin = 0; begin < count; begin += kChunk) {
    const std::size_t length = std::min(kChunk, count - begin);
    float* floats = to == DType::kF32 ? reinterpret_cast<float*>(out + begin * 4) : middle.data();
    widen_run(in + begin * size_of(from), floats, length);
    if (to != DType::kF32) narrow_run(floats, out + begin * size_of(to), length);
  }
  return {};
}

}  // namespace nacelle
