#include "kernels/gemm/gemm.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <limits>
#include <random>
#include <vector>

#include "kernels/format.h"
#include "tensor/convert.h"

namespace nacelle::kernels {
namespace {

constexpr DType kDTypes[] = {DType::kF32, DType::kBF16, DType::kF16};

// Random values of a dtype, kept both as stored and as f32.
struct Values {
  Buffer stored;
  std::vector<float> floats;
};

Values random_values(std::size_t count, DType dtype, std::mt19937& random, float spread = 1.0F) {
  std::normal_distribution<float> normal(0.0F, spread);
  Values values;
  values.floats.resize(count);
  for (float& value : values.floats) value = normal(random);
  values.stored = Buffer::allocate(count * size_of(dtype)).value();
  EXPECT_TRUE(convert(DType::kF32, values.floats.data(), dtype, values.stored.data(), count).ok());
  EXPECT_TRUE(convert(dtype, values.stored.data(), DType::kF32, values.floats.data(), count).ok());
  return values;
}

PackedMatrix pack(const Values& weights, std::size_t n, std::size_t k, DType dtype, Isa isa,
                  WorkerPool& pool) {
  const TensorView part(weights.stored.data(), dtype, Shape{n, k});
  return PackedMatrix::pack({&part, 1}, isa, pool).value();
}

const std::byte* row_of(const Values& x, std::size_t row, std::size_t k, DType dtype) {
  return x.stored.data() + row * k * size_of(dtype);
}

std::string name_of(Isa isa, DType dtype, std::size_t m, std::size_t n, std::size_t k) {
  return fmt::format("{} {} m{} n{} k{}", to_string(isa), to_string(dtype), m, n, k);
}

TEST(Gemm, EverySetAgreesWithExactSumsWithinTheRoundingBound) {
  struct Case {
    std::size_t m, n, k;
  };
  const Case cases[] = {{1, 1, 1},    {1, 257, 3},   {2, 31, 64},   {3, 33, 65},  {5, 129, 127},
                        {14, 32, 96}, {15, 16, 100}, {29, 65, 33},  {40, 17, 31}, {1, 1, 2049},
                        {64, 96, 17}, {3, 257, 520}, {31, 70, 1031}};
  std::mt19937 random(7);
  WorkerPool pool(2);
  for (const DType dtype : kDTypes) {
    for (const Case& c : cases) {
      const Values x = random_values(c.m * c.k, dtype, random);
      const Values w = random_values(c.n * c.k, dtype, random, 0.1F);
      const Values bias = random_values(c.n, DType::kF32, random);
      for (const Isa isa : supported_isas()) {
        SCOPED_TRACE(name_of(isa, dtype, c.m, c.n, c.k));
        const PackedMatrix packed = pack(w, c.n, c.k, dtype, isa, pool);
        ASSERT_EQ(packed.n(), c.n);
        ASSERT_EQ(packed.k(), c.k);
        const std::size_t stride = c.n + 3;
        std::vector<float> out(c.m * stride, -77.0F);
        gemm(pool, x.stored.data(), c.k, c.m, packed, bias.floats.data(), out.data(), stride);
        for (std::size_t row = 0; row < c.m; ++row) {
          for (std::size_t j = 0; j < c.n; ++j) {
            double exact = bias.floats[j];
            double size = std::abs(exact);
            for (std::size_t i = 0; i < c.k; ++i) {
              const double term = double{x.floats[row * c.k + i]} * w.floats[j * c.k + i];
              exact += term;
              size += std::abs(term);
            }
            // k + 1 roundings, each at most half a unit of a partial sum; pairs round twice.
            const double bound = (2.0 * static_cast<double>(c.k) + 2) * 0x1p-24 * size + 1e-37;
            ASSERT_NEAR(out[row * stride + j], exact, bound) << "row " << row << " column " << j;
          }
          for (std::size_t j = c.n; j < stride; ++j) {
            ASSERT_EQ(out[row * stride + j], -77.0F) << "wrote past the columns of a row";
          }
        }
      }
    }
  }
}

TEST(Gemm, ARowHasTheSameBitsAloneAndInEveryBatch) {
  constexpr std::size_t kRows = 40;
  constexpr std::size_t kN = 135;
  constexpr std::size_t kK = 1543;  // several parts of k, odd
  std::mt19937 random(8);
  WorkerPool one(1);
  WorkerPool two(2);
  for (const DType dtype : kDTypes) {
    const Values x = random_values(kRows * kK, dtype, random);
    const Values w = random_values(kN * kK, dtype, random);
    const Values bias = random_values(kN, DType::kF32, random);
    for (const Isa isa : supported_isas()) {
      const PackedMatrix packed = pack(w, kN, kK, dtype, isa, one);
      std::vector<float> alone(kRows * kN);
      for (std::size_t row = 0; row < kRows; ++row) {
        gemm(one, row_of(x, row, kK, dtype), kK, 1, packed, bias.floats.data(),
             alone.data() + row * kN, kN);
      }
      for (std::size_t m = 2; m <= kRows; ++m) {
        for (WorkerPool* pool : {&one, &two}) {
          SCOPED_TRACE(name_of(isa, dtype, m, kN, kK));
          const std::size_t first = kRows - m;  // the last m rows: each row at many places
          std::vector<float> out(m * kN);
          gemm(*pool, row_of(x, first, kK, dtype), kK, m, packed, bias.floats.data(), out.data(),
               kN);
          ASSERT_EQ(std::memcmp(out.data(), alone.data() + first * kN, out.size() * 4), 0);
        }
        if (isa == Isa::kReference && m > 4) break;  // slow, and one loop whatever m is
      }
    }
  }
}

TEST(Gemm, StackedPartsAreColumnsSideBySide) {
  constexpr std::size_t kK = 50;
  std::mt19937 random(9);
  WorkerPool pool(2);
  const Values a = random_values(37 * kK, DType::kBF16, random);
  const Values b = random_values(5 * kK, DType::kBF16, random);
  const Values x = random_values(4 * kK, DType::kBF16, random);
  for (const Isa isa : supported_isas()) {
    const TensorView parts[] = {TensorView(a.stored.data(), DType::kBF16, Shape{37, kK}),
                                TensorView(b.stored.data(), DType::kBF16, Shape{5, kK})};
    const PackedMatrix both = PackedMatrix::pack(parts, isa, pool).value();
    EXPECT_EQ(both.n(), 42u);
    std::vector<float> out(4 * 42);
    gemm(pool, x.stored.data(), kK, 4, both, nullptr, out.data(), 42);
    std::vector<float> out_a(4 * 37);
    std::vector<float> out_b(4 * 5);
    gemm(pool, x.stored.data(), kK, 4, pack(a, 37, kK, DType::kBF16, isa, pool), nullptr,
         out_a.data(), 37);
    gemm(pool, x.stored.data(), kK, 4, pack(b, 5, kK, DType::kBF16, isa, pool), nullptr,
         out_b.data(), 5);
    for (std::size_t row = 0; row < 4; ++row) {
      EXPECT_EQ(std::memcmp(&out[row * 42], &out_a[row * 37], 37 * 4), 0);
      EXPECT_EQ(std::memcmp(&out[row * 42 + 37], &out_b[row * 5], 5 * 4), 0);
    }
  }
}

TEST(Gemm, ReadsRowsByTheirStrideAndNothingBetween) {
  constexpr std::size_t kK = 33;
  constexpr std::size_t kStride = 41;
  std::mt19937 random(10);
  WorkerPool pool(1);
  const Values w = random_values(20 * kK, DType::kF32, random);
  const Values x = random_values(3 * kK, DType::kF32, random);
  std::vector<float> spread(3 * kStride, std::numeric_limits<float>::quiet_NaN());
  for (std::size_t row = 0; row < 3; ++row) {
    std::copy_n(&x.floats[row * kK], kK, &spread[row * kStride]);
  }
  for (const Isa isa : supported_isas()) {
    const PackedMatrix packed = pack(w, 20, kK, DType::kF32, isa, pool);
    std::vector<float> dense(60);
    std::vector<float> strided(60);
    gemm(pool, x.floats.data(), kK, 3, packed, nullptr, dense.data(), 20);
    gemm(pool, spread.data(), kStride, 3, packed, nullptr, strided.data(), 20);
    EXPECT_EQ(dense, strided);
  }
}

TEST(Gemm, NanAndInfinityStayInTheirRow) {
  constexpr std::size_t kK = 64;
  std::mt19937 random(11);
  WorkerPool pool(1);
  for (const DType dtype : kDTypes) {
    const Values w = random_values(40 * kK, dtype, random);
    Values x = random_values(3 * kK, dtype, random);
    store_one(x.stored.data(), format_of(dtype), kK + 5, std::numeric_limits<float>::quiet_NaN());
    store_one(x.stored.data(), format_of(dtype), 2 * kK + 5,
              std::numeric_limits<float>::infinity());
    for (const Isa isa : supported_isas()) {
      const PackedMatrix packed = pack(w, 40, kK, dtype, isa, pool);
      std::vector<float> out(3 * 40);
      gemm(pool, x.stored.data(), kK, 3, packed, nullptr, out.data(), 40);
      for (std::size_t j = 0; j < 40; ++j) {
        EXPECT_TRUE(std::isfinite(out[j]));
        EXPECT_TRUE(std::isnan(out[40 + j]));
        EXPECT_FALSE(std::isfinite(out[80 + j]));
      }
    }
  }
}

TEST(Gemm, EmptyExtentsAreHarmless) {
  WorkerPool pool(2);
  std::mt19937 random(12);
  const Values w = random_values(6, DType::kF32, random);
  for (const Isa isa : supported_isas()) {
    const PackedMatrix packed = pack(w, 2, 3, DType::kF32, isa, pool);
    gemm(pool, nullptr, 3, 0, packed, nullptr, nullptr, 2);
    const PackedMatrix no_depth = pack(w, 2, 0, DType::kF32, isa, pool);
    float out[4] = {9, 9, 9, 9};
    const float bias[2] = {1, 2};
    gemm(pool, w.floats.data(), 0, 2, no_depth, bias, out, 2);
    EXPECT_EQ(out[0], 1.0F);
    EXPECT_EQ(out[3], 2.0F);
    const PackedMatrix no_columns = pack(w, 0, 3, DType::kF32, isa, pool);
    gemm(pool, w.floats.data(), 3, 2, no_columns, nullptr, out, 0);
    EXPECT_EQ(out[0], 1.0F);
  }
}

TEST(PackedMatrix, RefusesPartsThatDoNotFitTogether) {
  WorkerPool pool(1);
  const float data[12] = {};
  const TensorView good(data, DType::kF32, Shape{3, 4});
  const TensorView narrow(data, DType::kF32, Shape{3, 2});
  const TensorView half(data, DType::kF16, Shape{3, 4});
  const TensorView flat(data, DType::kF32, Shape{12});
  const TensorView bytes(data, DType::kI8, Shape{3, 4});
  const auto code = [&](std::vector<TensorView> parts) {
    return PackedMatrix::pack(parts, Isa::kReference, pool).error().code();
  };
  EXPECT_EQ(code({}), Code::kInvalidArgument);
  EXPECT_EQ(code({good, narrow}), Code::kInvalidArgument);
  EXPECT_EQ(code({good, half}), Code::kInvalidArgument);
  EXPECT_EQ(code({flat}), Code::kInvalidArgument);
  EXPECT_EQ(code({bytes}), Code::kUnimplemented);
  EXPECT_EQ(code({good, good}), Code::kOk);
}

}  // namespace
}  // namespace nacelle::kernels
