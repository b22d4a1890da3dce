// Attention at both ends of the range of values: scores beyond +-1e4, V near the largest value and
// subnormal, q and k far from 1.
//
// Tolerance: a score is a sum of dim products in f32, off by up to d = (dim + 4) 2^-24 scale
// sum |q k|. Weights inherit a factor of e^(2 d) at most, and as they sum to 1 the result moves by
// up to (e^(2 d) - 1) sum w |v - out|, on top of testing::tolerance(). V that is subnormal counts
// as zero in products of bf16 pairs: 2^-126 for each position.
#include <gtest/gtest.h>

#include <cmath>

#include "kernels/attention/testing/paged_sequence.h"

namespace nacelle::kernels {
namespace {

using testing::Sequence;

constexpr std::uint32_t kDim = 64;
constexpr std::uint32_t kLength = 150;  // three tiles
constexpr testing::Heads kHeads{2, 1, kDim};
constexpr AttentionOptions kOptions{0.125F, 0};

void scale_by(std::vector<float>& values, float factor) {
  for (float& value : values) value *= factor;
}

// `unit`: the size of V, which the tolerance is relative to.
void expect_close(const Sequence& sequence, float unit) {
  WorkerPool pool(2);
  for (const Isa isa : supported_isas()) {
    SCOPED_TRACE(fmt::format("{} {}", to_string(isa), to_string(sequence.dtype)));
    const std::vector<float> out = testing::run_whole({pool, isa}, sequence, 16, kOptions);
    const bool pairs = isa >= Isa::kAvx512Bf16 && sequence.dtype == DType::kBF16;
    const double lost = kLength * (pairs ? 0x1p-126 : 0x1p-149);
    std::vector<double> weights(kLength);
    for (std::uint32_t row = 0; row < kLength * kHeads.query; ++row) {
      const std::uint32_t last = row / kHeads.query;
      const float* q = &sequence.q[row * kDim];
      double most = -1e300, size = 0, sum = 0;
      for (std::uint32_t j = 0; j <= last; ++j) {
        const float* k = &sequence.k[j * kDim];
        double score = 0, magnitude = 0;
        for (std::uint32_t d = 0; d < kDim; ++d) {
          score += double{q[d]} * k[d];
          magnitude += std::abs(double{q[d]} * k[d]);
        }
        weights[j] = score * kOptions.scale;
        most = std::max(most, weights[j]);
        size = std::max(size, magnitude * kOptions.scale);
      }
      for (std::uint32_t j = 0; j <= last; ++j) sum += weights[j] = std::exp(weights[j] - most);
      const double moved = std::expm1(2 * (kDim + 4) * 0x1p-24 * size);
      for (std::uint32_t d = 0; d < kDim; ++d) {
        double exact = 0, spread = 0, around = 0;
        for (std::uint32_t j = 0; j <= last; ++j) {
          const double v = sequence.v[j * kDim + d];
          exact += weights[j] / sum * v;
          spread += weights[j] / sum * std::abs(v);
        }
        for (std::uint32_t j = 0; j <= last; ++j) {
          around += weights[j] / sum * std::abs(sequence.v[j * kDim + d] - exact);
        }
        const double usual = unit * double{testing::tolerance(isa, sequence.dtype,
                                                              static_cast<float>(spread / unit))};
        ASSERT_NEAR(out[row * kDim + d], exact, usual + moved * around + lost)
            << "row " << row << " of " << d;
      }
    }
  }
}

// All factors are powers of two, so that values stay exact in every dtype.
TEST(AttentionValueRange, ScoresBeyondTenThousandPickTheLargest) {
  for (const DType dtype : {DType::kBF16, DType::kF32, DType::kF16}) {
    Sequence sequence(kHeads, kLength, dtype, 51);
    scale_by(sequence.q, 4096.0F);  // the scores' spread
    expect_close(sequence, 1.0F);
  }
}

TEST(AttentionValueRange, QueriesAndKeysFarFromOne) {
  for (const DType dtype : {DType::kBF16, DType::kF32}) {
    for (const float factor : {0x1p+60F, 0x1p-60F}) {
      Sequence sequence(kHeads, kLength, dtype, 52);
      scale_by(sequence.q, factor);
      scale_by(sequence.k, 1 / factor);
      expect_close(sequence, 1.0F);
    }
  }
}

// Weights are relative to the largest one and divided by their sum at the end: what they add up
// before that, here up to two values of weight 1, must stay below the largest f32.
TEST(AttentionValueRange, ValuesNearTheLargestStayFinite) {
  for (const DType dtype : {DType::kBF16, DType::kF32, DType::kF16}) {
    Sequence sequence(kHeads, kLength, dtype, 53);
    scale_by(sequence.q, 4096.0F);
    const float unit = dtype == DType::kF16 ? 0x1p+14F : 0x1p+125F;
    for (float& v : sequence.v) v = std::copysign(std::fmod(std::abs(v), 1.0F) + 1.0F, v);
    sequence.v = testing::rounded(sequence.v, DType::kBF16);
    scale_by(sequence.v, unit);
    expect_close(sequence, unit);
  }
}

TEST(AttentionValueRange, EqualScoresOfManyLargeValuesStayFinite) {
  for (const DType dtype : {DType::kBF16, DType::kF32}) {
    Sequence sequence(kHeads, kLength, dtype, 54);
    std::fill(sequence.q.begin(), sequence.q.end(), 0.0F);
    scale_by(sequence.v, 0x1p+117F);  // 150 of them below 2^128
    expect_close(sequence, 0x1p+117F);
  }
}

TEST(AttentionValueRange, SmallAndSubnormalValues) {
  for (const DType dtype : {DType::kBF16, DType::kF32}) {
    for (const float unit : {0x1p-60F, 0x1p-120F, 0x1p-128F}) {
      Sequence sequence(kHeads, kLength, dtype, 55);
      scale_by(sequence.v, unit);
      sequence.v = testing::rounded(sequence.v, dtype);  // subnormals have fewer bits
      expect_close(sequence, unit);
    }
  }
}

}  // namespace
}  // namespace nacelle::kernels
