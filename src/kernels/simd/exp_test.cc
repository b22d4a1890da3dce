#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <cstdint>
#include <limits>
#include <vector>

#include "kernels/format.h"
#include "kernels/isa.h"
#include "kernels/simd/exp_cases.h"

#if defined(__x86_64__)
#include <immintrin.h>

#pragma GCC diagnostic ignored "-Wunused-function"
#pragma GCC diagnostic ignored "-Wuninitialized"

namespace nacelle::kernels {
namespace {

#pragma GCC push_options
#pragma GCC target("avx2,fma,f16c")
namespace avx2 {
#include "kernels/simd/vector_avx2.inc"
// Order matters: each part uses the one before.
#include "kernels/simd/convert.inc"
//
#include "kernels/simd/exp.inc"
void run_exp(const float* x, float* out) { store(out, exp(load(x))); }
void run_convert(const float* x, Format format, void* out) {
  store_format(out, format, 0, load(x));
}
}  // namespace avx2
#pragma GCC pop_options

#pragma GCC push_options
#pragma GCC target("avx2,fma,f16c,avx512f,avx512bw,avx512vl,avx512dq")
namespace avx512 {
#include "kernels/simd/vector_avx512.inc"
// Order matters: each part uses the one before.
#include "kernels/simd/convert.inc"
//
#include "kernels/simd/exp.inc"
void run_exp(const float* x, float* out) { store(out, exp(load(x))); }
void run_convert(const float* x, Format format, void* out) {
  store_format(out, format, 0, load(x));
}
}  // namespace avx512
#pragma GCC pop_options

std::vector<float> exp_all(Isa isa, const std::vector<float>& x) {
  std::vector<float> out(x.size());
  const std::size_t lanes = isa == Isa::kAvx2 ? 8 : 16;
  for (std::size_t i = 0; i + lanes <= x.size(); i += lanes) {
    isa == Isa::kAvx2 ? avx2::run_exp(&x[i], &out[i]) : avx512::run_exp(&x[i], &out[i]);
  }
  return out;
}

TEST(Exp, IsWithinTwoUnitsInTheLastPlace) {
  const std::vector<float> x = exp_arguments();
  for (const Isa isa : {Isa::kAvx2, Isa::kAvx512}) {
    if (!is_supported(isa)) continue;
    EXPECT_LE(worst_exp_error(x, exp_all(isa, x)), 2.0) << to_string(isa);
  }
}

TEST(Exp, SetsGiveEqualBits) {
  if (!is_supported(Isa::kAvx512)) GTEST_SKIP() << "one set only";
  const std::vector<float> x = exp_arguments();
  EXPECT_EQ(exp_all(Isa::kAvx2, x), exp_all(Isa::kAvx512, x));
}

TEST(Exp, EndsAndSpecialValues) {
  const float infinity = std::numeric_limits<float>::infinity();
  std::vector<float> x = {0.0F, -0.0F, -infinity, infinity, -104.5F, -1e30F, 89.0F, 1e30F};
  x.push_back(std::numeric_limits<float>::quiet_NaN());
  x.resize(16, 0.0F);
  for (const Isa isa : {Isa::kAvx2, Isa::kAvx512}) {
    if (!is_supported(isa)) continue;
    const std::vector<float> out = exp_all(isa, x);
    const std::vector<float> expected = {1, 1, 0, infinity, 0, 0, infinity, infinity};
    for (std::size_t i = 0; i < expected.size(); ++i) EXPECT_EQ(out[i], expected[i]) << x[i];
    EXPECT_TRUE(std::isnan(out[8]));
  }
}

TEST(StoreFormat, RoundsAsTheScalarTypesDo) {
  std::uint32_t state = 99;
  for (int turn = 0; turn < 20'000; ++turn) {
    alignas(64) float x[16];
    for (float& value : x) {
      state = state * 1664525u + 1013904223u;
      value = std::bit_cast<float>(state ^ state >> 13);  // any pattern: NaN, infinity, subnormal
      if (turn % 3 == 0) value = std::bit_cast<float>((state & 0x8fffe000u) | 0x33801000u);  // ties
    }
    for (const Format format : {Format::kBF16, Format::kF16}) {
      std::uint16_t expected[16];
      for (std::size_t i = 0; i < 16; ++i) store_one(expected, format, i, x[i]);
      for (const Isa isa : {Isa::kAvx2, Isa::kAvx512}) {
        if (!is_supported(isa)) continue;
        std::uint16_t out[16];
        if (isa == Isa::kAvx2) {
          avx2::run_convert(x, format, out);
          avx2::run_convert(x + 8, format, out + 8);
        } else {
          avx512::run_convert(x, format, out);
        }
        for (std::size_t i = 0; i < 16; ++i) {
          ASSERT_EQ(out[i], expected[i]) << to_string(isa) << " " << x[i];
        }
      }
    }
  }
}

}  // namespace
}  // namespace nacelle::kernels
#endif
