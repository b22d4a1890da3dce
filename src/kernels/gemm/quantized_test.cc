// The product with int8 and int4 weights.
#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <limits>

#include "kernels/gemm/gemm.h"
#include "kernels/gemm/quantized_test_data.h"

namespace nacelle::kernels {
namespace {

struct Case {
  std::size_t m, n, k;
};

constexpr DType kDTypes[] = {DType::kF32, DType::kBF16, DType::kF16};

std::string name_of(Isa isa, DType dtype, const Case& c) {
  return fmt::format("{} {} m{} n{} k{}", to_string(isa), to_string(dtype), c.m, c.n, c.k);
}

std::vector<float> run(WorkerPool& pool, const Rows& x, const PackedMatrix& packed,
                       const float* bias, std::size_t first_row, std::size_t m) {
  std::vector<float> out(m * packed.n(), -77.0F);
  gemm(pool, x.at(first_row), x.k, m, packed, bias, out.data(), packed.n());
  return out;
}

// int8: the same float operations as gemm.h states, on exact sums. Every set must give these bits.
std::vector<float> int8_model(const Rows& x, const OwnedInt8Weight& w, const float* bias) {
  std::vector<float> out;
  for (std::size_t row = 0; row < x.m; ++row) {
    const float* values = &x.floats[row * x.k];
    float largest = 0;
    bool finite = true;
    for (std::size_t i = 0; i < x.k; ++i) {
      largest = std::max(largest, std::abs(values[i]));
      finite = finite && std::isfinite(values[i]);
    }
    const bool zeros = !finite || largest < 0x1p-100F;
    const float nan = std::numeric_limits<float>::quiet_NaN();
    const float scale = !finite ? nan : zeros ? 0.0F : largest / 127.0F;
    for (std::size_t j = 0; j < w.n; ++j) {
      std::int64_t sum = 0;
      for (std::size_t i = 0; i < x.k; ++i) {
        const float q = zeros ? 0 : std::nearbyint(values[i] * (127.0F / largest));
        sum += static_cast<std::int64_t>(q) * w.values[j * w.k + i];
      }
      const float result = static_cast<float>(sum) * (scale * w.scales[j]);
      out.push_back(bias == nullptr ? result : result + bias[j]);
    }
  }
  return out;
}

TEST(GemmInt8, EverySetGivesTheBitsOfTheFormula) {
  const Case cases[] = {{1, 1, 1},     {1, 257, 3},    {2, 31, 64},  {3, 33, 65},
                        {5, 129, 127}, {14, 32, 96},   {15, 16, 98}, {29, 65, 33},
                        {1, 40, 2049}, {40, 17, 1031}, {3, 257, 520}};
  std::mt19937 random(1);
  WorkerPool pool(2);
  for (const DType dtype : kDTypes) {
    for (const Case& c : cases) {
      const Rows x = random_rows(c.m, c.k, dtype, random);
      const OwnedInt8Weight w = random_int8(c.n, c.k, random);
      const std::vector<float> bias = random_floats(c.n, random);
      const std::vector<float> expected = int8_model(x, w, bias.data());
      for (const Isa isa : supported_isas()) {
        SCOPED_TRACE(name_of(isa, dtype, c));
        const Int8Weight part = w.view();
        const PackedMatrix packed = PackedMatrix::pack({&part, 1}, dtype, isa, pool).value();
        ASSERT_EQ(run(pool, x, packed, bias.data(), 0, c.m), expected);
      }
    }
  }
}

// The largest sums there are: every product 127 * -128.
TEST(GemmInt8, TheDeepestSumDoesNotOverflow) {
  constexpr std::size_t kDepth = 131072;
  WorkerPool pool(1);
  Rows x = constant_rows(1, kDepth, DType::kF32, 3.0F);
  OwnedInt8Weight w{2, kDepth, std::vector<std::int8_t>(2 * kDepth, -128), {1.0F, 0.5F}};
  std::fill_n(w.values.begin() + kDepth, kDepth, std::int8_t{127});
  for (const Isa isa : supported_isas()) {
    const Int8Weight part = w.view();
    const PackedMatrix packed = PackedMatrix::pack({&part, 1}, x.dtype, isa, pool).value();
    EXPECT_EQ(run(pool, x, packed, nullptr, 0, 1), int8_model(x, w, nullptr)) << to_string(isa);
  }
  w.k = kDepth + 1;
  const Int8Weight part = w.view();
  EXPECT_EQ(PackedMatrix::pack({&part, 1}, DType::kF32, Isa::kReference, pool).error().code(),
            Code::kInvalidArgument);
}

TEST(GemmInt8, EndsOfTheRangeAndValuesThatAreNotFinite) {
  constexpr std::size_t kK = 70;
  std::mt19937 random(2);
  WorkerPool pool(1);
  const OwnedInt8Weight w = random_int8(40, kK, random);
  Rows x = random_rows(6, kK, DType::kF32, random);
  float* values = reinterpret_cast<float*>(x.stored.data());
  const auto row = [&](std::size_t r) { return values + r * kK; };
  row(0)[69] = std::numeric_limits<float>::quiet_NaN();
  row(1)[3] = -std::numeric_limits<float>::infinity();
  for (std::size_t i = 0; i < kK; ++i) row(2)[i] *= 1e36F;
  for (std::size_t i = 0; i < kK; ++i) row(3)[i] *= 1e-29F;  // above 2^-100
  for (std::size_t i = 0; i < kK; ++i) row(4)[i] *= 1e-42F;  // subnormal: counts as zeros
  x.floats.assign(values, values + 6 * kK);
  const std::vector<float> expected = int8_model(x, w, nullptr);
  for (const Isa isa : supported_isas()) {
    SCOPED_TRACE(to_string(isa));
    const Int8Weight part = w.view();
    const PackedMatrix packed = PackedMatrix::pack({&part, 1}, x.dtype, isa, pool).value();
    const std::vector<float> out = run(pool, x, packed, nullptr, 0, 6);
    for (std::size_t j = 0; j < 40; ++j) {
      ASSERT_TRUE(std::isnan(out[j]));
      ASSERT_TRUE(std::isnan(out[40 + j]));
      ASSERT_EQ(out[2 * 40 + j], expected[2 * 40 + j]);
      ASSERT_EQ(out[3 * 40 + j], expected[3 * 40 + j]);
      ASSERT_EQ(out[4 * 40 + j], 0.0F);
      ASSERT_EQ(out[5 * 40 + j], expected[5 * 40 + j]);
    }
  }
}

TEST(GemmInt4, EverySetAgreesWithExactSumsWithinTheRoundingBound) {
  struct Int4Case {
    Case shape;
    std::size_t group_size;
    bool zeros;
  };
  const Int4Case cases[] = {
      {{1, 1, 32}, 32, false},     {{1, 257, 64}, 32, true},      {{2, 31, 256}, 128, false},
      {{3, 33, 256}, 128, true},   {{5, 129, 96}, 96, false},     {{8, 32, 320}, 64, true},
      {{9, 70, 320}, 160, true},   {{15, 40, 1024}, 1024, false}, {{29, 65, 512}, 32, true},
      {{40, 33, 2048}, 128, true}, {{31, 96, 768}, 256, false}};
  std::mt19937 random(3);
  WorkerPool pool(2);
  for (const DType dtype : kDTypes) {
    for (const Int4Case& test : cases) {
      const Case& c = test.shape;
      const Rows x = random_rows(c.m, c.k, dtype, random);
      const OwnedInt4Weight w = random_int4(c.n, c.k, test.group_size, test.zeros, random);
      const std::vector<float> bias = random_floats(c.n, random);
      for (const Isa isa : supported_isas()) {
        SCOPED_TRACE(name_of(isa, dtype, c));
        const Int4Weight part = w.view();
        const PackedMatrix packed = PackedMatrix::pack({&part, 1}, dtype, isa, pool).value();
        const std::vector<float> out = run(pool, x, packed, bias.data(), 0, c.m);
        for (std::size_t row = 0; row < c.m; ++row) {
          for (std::size_t j = 0; j < c.n; ++j) {
            const Int4Sum sum = int4_sum(x, row, w, j);
            // A chain of at most 128 roundings (pairs round twice), one or two per chain for the
            // scales, one for the rounding of (8 - zero) * scale, one for the bias.
            const double steps = 2.0 * 128 + static_cast<double>(c.k) / 16 + 8;
            const double bound = steps * 0x1p-24 * (sum.size + std::abs(bias[j]));
            ASSERT_NEAR(out[row * c.n + j], sum.exact + bias[j], bound)
                << "row " << row << " column " << j;
          }
        }
      }
    }
  }
}

TEST(GemmInt4, NanAndInfinityStayInTheirRow) {
  constexpr std::size_t kK = 128;
  std::mt19937 random(4);
  WorkerPool pool(1);
  const OwnedInt4Weight w = random_int4(40, kK, 32, true, random);
  Rows x = random_rows(3, kK, DType::kBF16, random);
  store_one(x.stored.data(), Format::kBF16, kK + 5, std::numeric_limits<float>::quiet_NaN());
  store_one(x.stored.data(), Format::kBF16, 2 * kK + 5, std::numeric_limits<float>::infinity());
  for (const Isa isa : supported_isas()) {
    const Int4Weight part = w.view();
    const PackedMatrix packed = PackedMatrix::pack({&part, 1}, x.dtype, isa, pool).value();
    const std::vector<float> out = run(pool, x, packed, nullptr, 0, 3);
    for (std::size_t j = 0; j < 40; ++j) {
      EXPECT_TRUE(std::isfinite(out[j]));
      EXPECT_TRUE(std::isnan(out[40 + j]));
      EXPECT_FALSE(std::isfinite(out[80 + j]));
    }
  }
}

TEST(GemmQuantized, ARowHasTheSameBitsAloneAndInEveryBatch) {
  constexpr std::size_t kRows = 40;
  constexpr std::size_t kN = 135;
  constexpr std::size_t kK = 1536;  // several parts of k
  std::mt19937 random(5);
  WorkerPool one(1);
  WorkerPool two(2);
  const OwnedInt8Weight w8 = random_int8(kN, kK, random);
  const OwnedInt4Weight w4 = random_int4(kN, kK, 128, true, random);
  const std::vector<float> bias = random_floats(kN, random);
  for (const DType dtype : kDTypes) {
    const Rows x = random_rows(kRows, kK, dtype, random);
    for (const Isa isa : supported_isas()) {
      const Int8Weight part8 = w8.view();
      const Int4Weight part4 = w4.view();
      for (const PackedMatrix& packed :
           {PackedMatrix::pack({&part8, 1}, dtype, isa, one).value(),
            PackedMatrix::pack({&part4, 1}, dtype, isa, one).value()}) {
        std::vector<float> alone;
        const std::size_t rows = isa == Isa::kReference ? 4 : kRows;  // slow, one loop for all m
        for (std::size_t row = 0; row < rows; ++row) {
          const std::vector<float> out = run(one, x, packed, bias.data(), row, 1);
          alone.insert(alone.end(), out.begin(), out.end());
        }
        for (std::size_t m = 2; m <= rows; ++m) {
          for (WorkerPool* pool : {&one, &two}) {
            SCOPED_TRACE(
                fmt::format("{} {}", to_string(packed.format()), name_of(isa, dtype, {m, kN, kK})));
            const std::size_t first = rows - m;  // the last m rows: each row at many places
            const std::vector<float> out = run(*pool, x, packed, bias.data(), first, m);
            ASSERT_EQ(std::memcmp(out.data(), &alone[first * kN], out.size() * 4), 0);
          }
        }
      }
    }
  }
}

TEST(GemmQuantized, StackedPartsAreColumnsSideBySide) {
  constexpr std::size_t kK = 128;
  std::mt19937 random(6);
  WorkerPool pool(2);
  const OwnedInt8Weight a8 = random_int8(37, kK, random);
  const OwnedInt8Weight b8 = random_int8(5, kK, random);
  const OwnedInt4Weight a4 = random_int4(37, kK, 64, true, random);
  const OwnedInt4Weight b4 = random_int4(5, kK, 64, true, random);
  const Rows x = random_rows(4, kK, DType::kBF16, random);
  const auto check = [&](const auto& a, const auto& b, Isa isa) {
    const auto pack = [&](const auto& parts) {
      return PackedMatrix::pack(parts, DType::kBF16, isa, pool).value();
    };
    const std::vector both = {a.view(), b.view()};
    const std::span all(both);
    const std::vector<float> out = run(pool, x, pack(all), nullptr, 0, 4);
    const std::vector<float> out_a = run(pool, x, pack(all.first(1)), nullptr, 0, 4);
    const std::vector<float> out_b = run(pool, x, pack(all.last(1)), nullptr, 0, 4);
    for (std::size_t row = 0; row < 4; ++row) {
      EXPECT_EQ(std::memcmp(&out[row * 42], &out_a[row * 37], 37 * 4), 0);
      EXPECT_EQ(std::memcmp(&out[row * 42 + 37], &out_b[row * 5], 5 * 4), 0);
    }
  };
  for (const Isa isa : supported_isas()) {
    check(a8, b8, isa);
    check(a4, b4, isa);
  }
}

}  // namespace
}  // namespace nacelle::kernels
