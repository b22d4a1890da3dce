#include "kernels/rms_norm/rms_norm.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <limits>
#include <random>
#include <vector>

#include "kernels/format.h"

namespace nacelle::kernels {
namespace {

std::vector<float> random_floats(std::size_t count, unsigned seed, float spread = 1.0F) {
  std::mt19937 random(seed);
  std::normal_distribution<float> normal(0.0F, spread);
  std::vector<float> values(count);
  for (float& value : values) value = normal(random);
  return values;
}

TEST(RmsNorm, EverySetAgreesWithTheDefinition) {
  WorkerPool pool(2);
  for (const std::size_t dim : {1, 7, 8, 33, 64, 127, 1024, 1031}) {
    for (const float spread : {1e-6F, 1.0F, 1e6F}) {
      constexpr std::size_t kRows = 3;
      const std::vector<float> x = random_floats(kRows * dim, 1, spread);
      const std::vector<float> delta = random_floats(kRows * dim, 2, spread);
      const std::vector<float> weight = random_floats(dim, 3);
      for (const Isa isa : supported_isas()) {
        SCOPED_TRACE(fmt::format("{} dim {} spread {}", to_string(isa), dim, spread));
        std::vector<float> residual = x;
        std::vector<float> out(kRows * dim);
        add_rms_norm({pool, isa}, residual.data(), delta.data(), kRows, dim, weight.data(), 1e-6F,
                     {out.data(), DType::kF32, dim});
        std::vector<float> plain(kRows * dim);
        rms_norm({pool, isa}, residual.data(), kRows, dim, weight.data(), 1e-6F,
                 {plain.data(), DType::kF32, dim});
        EXPECT_EQ(out, plain);
        for (std::size_t row = 0; row < kRows; ++row) {
          double squares = 0;
          for (std::size_t i = 0; i < dim; ++i) {
            const std::size_t at = row * dim + i;
            ASSERT_EQ(residual[at], x[at] + delta[at]);
            squares += double{residual[at]} * residual[at];
          }
          const double scale = 1 / std::sqrt(squares / static_cast<double>(dim) + 1e-6);
          for (std::size_t i = 0; i < dim; ++i) {
            const double exact = residual[row * dim + i] * scale * weight[i];
            // Sum of up to 1031 squares in at least 8 lanes, root, two products.
            ASSERT_NEAR(out[row * dim + i], exact, std::abs(exact) * 0x1p-20 + 1e-30);
          }
        }
      }
    }
  }
}

TEST(RmsNorm, RoundsOnceToTheOutputType) {
  WorkerPool pool(1);
  constexpr std::size_t kDim = 45;
  const std::vector<float> x = random_floats(2 * kDim, 4);
  const std::vector<float> weight = random_floats(kDim, 5);
  for (const Isa isa : supported_isas()) {
    std::vector<float> exact(2 * kDim);
    rms_norm({pool, isa}, x.data(), 2, kDim, weight.data(), 1e-5F,
             {exact.data(), DType::kF32, kDim});
    for (const DType dtype : {DType::kBF16, DType::kF16}) {
      std::vector<std::uint16_t> out(2 * 50, 0x5555);
      std::vector<std::uint16_t> expected = out;
      rms_norm({pool, isa}, x.data(), 2, kDim, weight.data(), 1e-5F, {out.data(), dtype, 50});
      for (std::size_t i = 0; i < 2 * kDim; ++i) {
        store_one(expected.data(), format_of(dtype), i / kDim * 50 + i % kDim, exact[i]);
      }
      EXPECT_EQ(out, expected) << to_string(isa) << " " << to_string(dtype);
    }
  }
}

TEST(RmsNorm, HeadsAreNormalisedOneByOne) {
  WorkerPool pool(2);
  constexpr std::size_t kRows = 40, kHeads = 3, kDim = 24, kStride = 100;
  const std::vector<float> weight = random_floats(kDim, 6);
  const std::vector<float> start = random_floats(kRows * kStride, 7);
  for (const Isa isa : supported_isas()) {
    std::vector<float> values = start;
    rms_norm_heads({pool, isa}, {values.data(), kRows, kHeads, kDim, kStride}, weight.data(),
                   1e-6F);
    for (std::size_t row = 0; row < kRows; ++row) {
      for (std::size_t head = 0; head < kHeads; ++head) {
        const std::size_t at = row * kStride + head * kDim;
        std::vector<float> alone(kDim);
        rms_norm({pool, isa}, &start[at], 1, kDim, weight.data(), 1e-6F,
                 {alone.data(), DType::kF32, kDim});
        ASSERT_EQ(std::memcmp(alone.data(), &values[at], kDim * 4), 0);
      }
      const std::size_t rest = row * kStride + kHeads * kDim;
      ASSERT_EQ(std::memcmp(&values[rest], &start[rest], (kStride - kHeads * kDim) * 4), 0);
    }
  }
}

TEST(RmsNorm, NanPoisonsItsRowOnly) {
  WorkerPool pool(1);
  const std::vector<float> weight(20, 1.0F);
  for (const Isa isa : supported_isas()) {
    std::vector<float> x(40, 1.0F);
    x[3] = std::numeric_limits<float>::quiet_NaN();
    std::vector<float> out(40);
    rms_norm({pool, isa}, x.data(), 2, 20, weight.data(), 0.0F, {out.data(), DType::kF32, 20});
    EXPECT_TRUE(std::isnan(out[0]));
    EXPECT_EQ(out[20], 1.0F);
  }
}

}  // namespace
}  // namespace nacelle::kernels
