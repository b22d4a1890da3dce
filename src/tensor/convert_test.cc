#include "tensor/convert.h"

#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <limits>
#include <vector>

#include "tensor/half.h"

namespace nacelle {
namespace {

constexpr float kInfinity = std::numeric_limits<float>::infinity();

TEST(BFloat16, RoundsToNearestEven) {
  EXPECT_EQ(BFloat16(1.0F).bits, 0x3f80);
  EXPECT_EQ(BFloat16(std::bit_cast<float>(0x3f808000u)).bits, 0x3f80);  // tie, even below
  EXPECT_EQ(BFloat16(std::bit_cast<float>(0x3f818000u)).bits, 0x3f82);  // tie, even above
  EXPECT_EQ(BFloat16(std::bit_cast<float>(0x3f808001u)).bits, 0x3f81);
  EXPECT_EQ(BFloat16(std::bit_cast<float>(0x7f7fffffu)).bits, 0x7f80);  // beyond the largest
  EXPECT_EQ(BFloat16(-0.0F).bits, 0x8000);
  EXPECT_EQ(BFloat16(-kInfinity).bits, 0xff80);
  EXPECT_TRUE(std::isnan(static_cast<float>(BFloat16(std::bit_cast<float>(0x7f800001u)))));
}

// The definition, in f64: the nearest multiple of the spacing, ties to even.
double nearest_half(double value) {
  const double magnitude = std::abs(value);
  int exponent = 0;
  std::frexp(magnitude, &exponent);
  const double spacing = std::ldexp(1.0, std::max(exponent - 11, -24));
  const double rounded = std::nearbyint(magnitude / spacing) * spacing;
  return std::copysign(rounded > 65504 ? kInfinity : rounded, value);
}

TEST(Float16, EveryPatternSurvivesTheWayThroughFloat) {
  for (std::uint32_t bits = 0; bits <= 0xffff; ++bits) {
    const auto half = Float16::from_bits(static_cast<std::uint16_t>(bits));
    const auto value = static_cast<float>(half);
    if ((bits & 0x7fffu) > 0x7c00u) {
      EXPECT_TRUE(std::isnan(value));
      EXPECT_TRUE(std::isnan(static_cast<float>(Float16(value))));
    } else {
      ASSERT_EQ(Float16(value).bits, bits);
    }
  }
}

TEST(Float16, RoundsToNearestEvenEverywhere) {
  std::uint32_t state = 12345;
  for (int i = 0; i < 200'000; ++i) {
    state = state * 1664525u + 1013904223u;
    // Exponents from far below the smallest subnormal to beyond the largest value.
    const std::uint32_t exponent = 127 - 28 + (state >> 24) % 46;
    const float value = std::bit_cast<float>((state & 0x807fffffu) | exponent << 23);
    ASSERT_EQ(static_cast<float>(Float16(value)), nearest_half(value)) << value;
    // Halfway between two neighbours.
    const float tie = std::bit_cast<float>((state & 0x807fe000u) | 0x1000u | exponent << 23);
    ASSERT_EQ(static_cast<float>(Float16(tie)), nearest_half(tie)) << tie;
  }
}

TEST(Convert, EightBitFloatsHaveTheirPublishedValues) {
  EXPECT_EQ(f8_e4m3_to_float(0x00), 0.0F);
  EXPECT_EQ(f8_e4m3_to_float(0x01), 0x1p-9F);
  EXPECT_EQ(f8_e4m3_to_float(0x08), 0x1p-6F);
  EXPECT_EQ(f8_e4m3_to_float(0x38), 1.0F);
  EXPECT_EQ(f8_e4m3_to_float(0x7e), 448.0F);
  EXPECT_EQ(f8_e4m3_to_float(0xfe), -448.0F);
  EXPECT_TRUE(std::isnan(f8_e4m3_to_float(0x7f)));
  EXPECT_TRUE(std::isnan(f8_e4m3_to_float(0xff)));
  EXPECT_EQ(f8_e5m2_to_float(0x3c), 1.0F);
  EXPECT_EQ(f8_e5m2_to_float(0x7b), 57344.0F);
  EXPECT_EQ(f8_e5m2_to_float(0x01), 0x1p-16F);
  EXPECT_EQ(f8_e5m2_to_float(0xfc), -kInfinity);
  EXPECT_EQ(f8_e8m0_to_float(127), 1.0F);
  EXPECT_EQ(f8_e8m0_to_float(0), 0x1p-127F);
  EXPECT_EQ(f8_e8m0_to_float(254), 0x1p127F);
  EXPECT_TRUE(std::isnan(f8_e8m0_to_float(255)));
}

TEST(Convert, ManyElementsAgreeWithOneAtATime) {
  constexpr std::size_t kCount = 2500;  // more than two of the internal pieces
  std::vector<float> source(kCount);
  for (std::size_t i = 0; i < kCount; ++i) source[i] = std::sin(static_cast<float>(i)) * 300.0F;
  std::vector<Float16> half(kCount);
  ASSERT_TRUE(convert(DType::kF32, source.data(), DType::kF16, half.data(), kCount).ok());
  std::vector<BFloat16> brain(kCount);
  ASSERT_TRUE(convert(DType::kF16, half.data(), DType::kBF16, brain.data(), kCount).ok());
  std::vector<double> wide(kCount);
  ASSERT_TRUE(convert(DType::kBF16, brain.data(), DType::kF64, wide.data(), kCount).ok());
  for (std::size_t i = 0; i < kCount; ++i) {
    ASSERT_EQ(half[i], Float16(source[i]));
    ASSERT_EQ(brain[i], BFloat16(static_cast<float>(half[i])));
    ASSERT_EQ(wide[i], static_cast<double>(static_cast<float>(brain[i])));
  }
}

TEST(Convert, RefusesPairsItDoesNotKnow) {
  std::uint8_t byte = 0;
  float value = 0;
  EXPECT_EQ(convert(DType::kI8, &byte, DType::kF32, &value, 1).code(), Code::kUnimplemented);
  EXPECT_EQ(convert(DType::kF32, &value, DType::kF8E4M3, &byte, 1).code(), Code::kUnimplemented);
}

}  // namespace
}  // namespace nacelle
