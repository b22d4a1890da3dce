// The portable vectors by themselves: exp's bound, rounding to and from 16 bits, partial lanes.
#define HWY_DISABLE_PCLMUL_AES 1  // as in the kernels
#include <gtest/gtest.h>
#include <hwy/highway.h>

#include <bit>
#include <limits>

#include "kernels/format.h"
#include "kernels/isa.h"
#include "kernels/simd/exp_cases.h"

#pragma GCC diagnostic ignored "-Wunused-function"

namespace nacelle::kernels {
namespace {
namespace portable {
#include "kernels/simd/vector_portable.inc"
// Order matters: each part uses the one before.
#include "kernels/simd/convert.inc"
//
#include "kernels/simd/exp.inc"
}  // namespace portable

std::vector<float> exp_all(const std::vector<float>& x) {
  std::vector<float> out(x.size());
  for (std::size_t i = 0; i < x.size(); i += portable::kLanes) {
    portable::store(&out[i], portable::exp(portable::load(&x[i])));
  }
  return out;
}

TEST(VectorPortable, ExpIsWithinTwoUnitsInTheLastPlace) {
  const std::vector<float> x = exp_arguments();
  EXPECT_LE(worst_exp_error(x, exp_all(x)), 2.0);
}

TEST(VectorPortable, ExpAtTheEnds) {
  const float infinity = std::numeric_limits<float>::infinity();
  const std::vector<float> out = exp_all({0.0F, -0.0F, -infinity, infinity, -104.5F, 89.0F, -1e30F,
                                          std::numeric_limits<float>::quiet_NaN()});
  const std::vector<float> expected = {1, 1, 0, infinity, 0, infinity, 0};
  for (std::size_t i = 0; i < expected.size(); ++i) EXPECT_EQ(out[i], expected[i]) << i;
  EXPECT_TRUE(std::isnan(out[7]));
}

TEST(VectorPortable, RoundsTo16BitsAsTheScalarTypesDo) {
  std::uint32_t state = 99;
  for (int turn = 0; turn < 80'000; ++turn) {
    float x[portable::kLanes];
    for (float& value : x) {
      state = state * 1664525u + 1013904223u;
      value = std::bit_cast<float>(state ^ state >> 13);  // any pattern: NaN, infinity, subnormal
      if (turn % 3 == 0) value = std::bit_cast<float>((state & 0x8fffe000u) | 0x33801000u);  // ties
      if (turn % 3 == 1) value = std::bit_cast<float>((state & 0x8fffffffu) | 0x40000000u);
    }
    for (const Format format : {Format::kBF16, Format::kF16}) {
      std::uint16_t expected[portable::kLanes];
      std::uint16_t out[portable::kLanes];
      for (std::size_t i = 0; i < portable::kLanes; ++i) store_one(expected, format, i, x[i]);
      portable::store_format(out, format, 0, portable::load(x));
      for (std::size_t i = 0; i < portable::kLanes; ++i) ASSERT_EQ(out[i], expected[i]) << x[i];
    }
  }
}

TEST(VectorPortable, WidensEveryF16) {
  for (std::uint32_t bits = 0; bits < 0x10000; ++bits) {
    const auto half = static_cast<std::uint16_t>(bits);
    const float expected = load_one(&half, Format::kF16, 0);
    const float value = portable::float_of_f16(half);
    if (std::isnan(expected)) {
      ASSERT_TRUE(std::isnan(value)) << bits;
    } else {
      ASSERT_EQ(std::bit_cast<std::uint32_t>(value), std::bit_cast<std::uint32_t>(expected));
    }
  }
}

TEST(VectorPortable, SelectsAndComparesLanes) {
  const float values[] = {1, 2, 3, 4};
  const portable::F v = portable::load(values);
  for (std::size_t first = 0; first <= 9; ++first) {
    for (std::size_t last = first; last <= 9; ++last) {
      float out[4];
      portable::store(out, portable::select_range(v, portable::zero(), 4, first, last));
      for (std::size_t i = 0; i < 4; ++i) {
        EXPECT_EQ(out[i], first <= i + 4 && i + 4 < last ? values[i] : 0.0F);
      }
    }
  }
  for (std::size_t i = 0; i < 4; ++i) {
    EXPECT_EQ(portable::equal_lanes(v, portable::all(values[i])), 1u << i);
  }
}

}  // namespace
}  // namespace nacelle::kernels
