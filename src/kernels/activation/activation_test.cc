#include "kernels/activation/activation.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <limits>
#include <vector>

#include "kernels/format.h"

namespace nacelle::kernels {
namespace {

constexpr float kInfinity = std::numeric_limits<float>::infinity();

std::vector<float> run(WorkerPool& pool, Isa isa, const std::vector<float>& gate_up,
                       std::size_t rows) {
  const std::size_t width = gate_up.size() / rows / 2;
  std::vector<float> out(rows * width);
  silu_mul({pool, isa}, gate_up.data(), rows, width, {out.data(), DType::kF32, width});
  return out;
}

TEST(SiluMul, EverySetAgreesWithTheDefinition) {
  WorkerPool pool(2);
  for (const std::size_t width : {1, 5, 16, 31, 257}) {
    constexpr std::size_t kRows = 70;
    std::vector<float> gate_up(kRows * 2 * width);
    for (std::size_t i = 0; i < gate_up.size(); ++i) {
      gate_up[i] = std::sin(static_cast<float>(i) * 1.7F) * 30.0F;
    }
    for (const Isa isa : supported_isas()) {
      const std::vector<float> out = run(pool, isa, gate_up, kRows);
      for (std::size_t row = 0; row < kRows; ++row) {
        for (std::size_t i = 0; i < width; ++i) {
          const double gate = gate_up[row * 2 * width + i];
          const double exact = gate / (1 + std::exp(-gate)) * gate_up[row * 2 * width + width + i];
          // exp within 2 units, then three roundings: below 8 units of 2^-24.
          ASSERT_NEAR(out[row * width + i], exact, std::abs(exact) * 0x1p-21) << to_string(isa);
        }
      }
    }
  }
}

TEST(SiluMul, SetsWithFusedMultiplyAddGiveEqualBits) {
  WorkerPool pool(1);
  std::vector<float> gate_up;
  for (int i = -4000; i < 4000; ++i) gate_up.push_back(static_cast<float>(i) * 0.031F);
  const auto half = static_cast<std::ptrdiff_t>(gate_up.size());
  gate_up.insert(gate_up.end(), gate_up.begin(), gate_up.begin() + half);
  if (!is_supported(Isa::kAvx2)) GTEST_SKIP() << "no two sets with a fused multiply-add";
  for (const Isa isa : supported_isas()) {
    if (isa == Isa::kReference || isa == Isa::kPortable) continue;
    EXPECT_EQ(run(pool, isa, gate_up, 1), run(pool, Isa::kAvx2, gate_up, 1));
  }
}

TEST(SiluMul, ExtremesBehave) {
  WorkerPool pool(1);
  const float nan = std::numeric_limits<float>::quiet_NaN();
  for (const Isa isa : supported_isas()) {
    const std::vector<float> out =
        run(pool, isa, {-1000.0F, 1000.0F, nan, kInfinity, -80.0F, 0.0F, 1, 1, 1, 1, 1, 1}, 1);
    EXPECT_EQ(out[0], 0.0F);
    EXPECT_EQ(out[1], 1000.0F);
    EXPECT_TRUE(std::isnan(out[2]));
    EXPECT_EQ(out[3], kInfinity);
    EXPECT_LT(out[4], 0.0F);
    EXPECT_EQ(out[5], 0.0F);
  }
}

TEST(SiluMul, RoundsOnceToTheOutputType) {
  WorkerPool pool(1);
  std::vector<float> gate_up(2 * 2 * 21);
  for (std::size_t i = 0; i < gate_up.size(); ++i) gate_up[i] = std::cos(static_cast<float>(i));
  for (const Isa isa : supported_isas()) {
    const std::vector<float> exact = run(pool, isa, gate_up, 2);
    for (const DType dtype : {DType::kBF16, DType::kF16}) {
      std::vector<std::uint16_t> out(2 * 25, 0x7777);
      std::vector<std::uint16_t> expected = out;
      silu_mul({pool, isa}, gate_up.data(), 2, 21, {out.data(), dtype, 25});
      for (std::size_t i = 0; i < exact.size(); ++i) {
        store_one(expected.data(), format_of(dtype), i / 21 * 25 + i % 21, exact[i]);
      }
      EXPECT_EQ(out, expected);
    }
  }
}

}  // namespace
}  // namespace nacelle::kernels
