// Products at both ends of the range of values: rows of 2^60 and of 2^-60, values near the largest
// one and subnormal ones, dense and int4. (int8: quantized_test.cc, whose bits are a formula's.)
//
// Tolerance: that of gemm.h, relative to the magnitudes that are added up, and an absolute term for
// what is too small to be kept. Multiply-adds of f32 round to multiples of 2^-149. Products of bf16
// pairs, by vdpbf16ps and by tiles, take subnormal inputs as zero and make subnormal sums zero:
// each of the k terms may lose an input, |w| 2^-126, and a sum, 2^-126.
#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "kernels/gemm/gemm.h"
#include "kernels/gemm/quantized_test_data.h"

namespace nacelle::kernels {
namespace {

constexpr std::size_t kN = 70;
constexpr std::size_t kK = 512;
constexpr std::size_t kKinds = 6;
constexpr DType kDTypes[] = {DType::kF32, DType::kBF16, DType::kF16};

bool flushes(Isa isa, DType dtype) { return isa >= Isa::kAvx512Bf16 && dtype == DType::kBF16; }

// The ends of a dtype. `largest`: of a value here; int4 multiplies by up to 8 and adds up 128 of
// them before it scales, so there it must be 2^-10 of what f32 holds.
struct Ends {
  float large, small, largest, subnormal;
};
Ends ends_of(DType dtype, bool int4) {
  if (dtype == DType::kF16) return {0x1p+10F, 0x1p-12F, 65504.0F, 0x1p-15F};
  return {0x1p+60F, 0x1p-60F, int4 ? 0x1p+117F : 0x1.fcp+127F, 0x1p-127F};
}

// Row r is of kind r % kKinds: large, small, near the largest, subnormal, one after the other
// subnormal and small, zeros.
Rows rows_at_the_ends(std::size_t m, DType dtype, bool int4, std::mt19937& random) {
  const Ends ends = ends_of(dtype, int4);
  std::vector<float> floats = random_floats(m * kK, random);
  std::uniform_real_distribution<float> upper_half(0.5F, 1.0F);
  for (std::size_t i = 0; i < floats.size(); ++i) {
    const float of_one = std::copysign(upper_half(random), floats[i]);
    switch (i / kK % kKinds) {
      case 0:
        floats[i] *= ends.large;
        break;
      case 1:
        floats[i] *= ends.small;
        break;
      case 2:
        floats[i] = of_one * ends.largest;
        break;
      case 3:
        floats[i] = of_one * ends.subnormal;
        break;
      case 4:
        floats[i] = i % 2 == 0 ? of_one * ends.subnormal : floats[i] * ends.small;
        break;
      default:
        floats[i] = 0.0F;
    }
  }
  return make_rows(m, kK, dtype, std::move(floats));
}

TEST(GemmValueRange, DenseProductsHoldTheirToleranceAtBothEnds) {
  std::mt19937 random(41);
  WorkerPool pool(2);
  for (const DType dtype : kDTypes) {
    // So small that 512 times the largest value stays below the largest f32.
    std::vector<float> floats = random_floats(kN * kK, random);
    for (float& value : floats) value *= 0x1p-10F;
    const Rows w = make_rows(kN, kK, dtype, std::move(floats));
    const TensorView view(w.stored.data(), dtype, Shape{kN, kK});
    for (const std::size_t m : {std::size_t{1}, kKinds, 4 * kKinds + 1}) {
      const Rows x = rows_at_the_ends(m, dtype, false, random);
      for (const Isa isa : supported_isas()) {
        const PackedMatrix packed = PackedMatrix::pack({&view, 1}, isa, pool).value();
        std::vector<float> out(m * kN);
        gemm(pool, x.at(0), kK, m, packed, nullptr, out.data(), kN);
        const double term = flushes(isa, dtype) ? 0x1p-126 : 0x1p-149;
        for (std::size_t row = 0; row < m; ++row) {
          for (std::size_t j = 0; j < kN; ++j) {
            double exact = 0, size = 0, lost = 0;
            for (std::size_t i = 0; i < kK; ++i) {
              const double weight = w.floats[j * kK + i];
              exact += x.floats[row * kK + i] * weight;
              size += std::abs(x.floats[row * kK + i] * weight);
              lost += term * (1 + std::abs(weight));
            }
            const double bound = (2.0 * kK + 2) * 0x1p-24 * size + lost;
            ASSERT_NEAR(out[row * kN + j], exact, bound)
                << to_string(isa) << ' ' << to_string(dtype) << " kind " << row % kKinds << " of "
                << m << " column " << j;
            ASSERT_TRUE(row % kKinds != 5 || out[row * kN + j] == 0.0F);
          }
        }
      }
    }
  }
}

TEST(GemmValueRange, Int4ProductsHoldTheirToleranceAtBothEnds) {
  constexpr std::size_t kGroup = 128;
  std::mt19937 random(42);
  WorkerPool pool(2);
  for (const DType dtype : kDTypes) {
    const OwnedInt4Weight w = random_int4(kN, kK, kGroup, true, random);  // scales near 0.01
    for (const std::size_t m : {std::size_t{1}, kKinds, 4 * kKinds + 1}) {
      const Rows x = rows_at_the_ends(m, dtype, true, random);
      for (const Isa isa : supported_isas()) {
        const Int4Weight part = w.view();
        const PackedMatrix packed = PackedMatrix::pack({&part, 1}, dtype, isa, pool).value();
        std::vector<float> out(m * kN);
        gemm(pool, x.at(0), kK, m, packed, nullptr, out.data(), kN);
        // Inputs up to 8 and sums are lost before the scale, whose magnitude is below 1,
        // multiplies.
        const double lost = kK * (flushes(isa, dtype) ? 9 * 0x1p-126 : 9 * 0x1p-149);
        for (std::size_t row = 0; row < m; ++row) {
          for (std::size_t j = 0; j < kN; ++j) {
            const Int4Sum sum = int4_sum(x, row, w, j);
            const double roundings = 2.0 * (kGroup + 2.0 * kK / kGroup) + 2;
            ASSERT_NEAR(out[row * kN + j], sum.exact, roundings * 0x1p-24 * sum.size + lost)
                << to_string(isa) << ' ' << to_string(dtype) << " kind " << row % kKinds << " of "
                << m << " column " << j;
          }
        }
      }
    }
  }
}

}  // namespace
}  // namespace nacelle::kernels
