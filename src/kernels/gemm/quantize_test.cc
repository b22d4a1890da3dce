#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "kernels/gemm/quantized_test_data.h"
#include "kernels/gemm/quantized_weight.h"

namespace nacelle::kernels {
namespace {

TensorView view_of(const Rows& rows) {
  return TensorView(rows.stored.data(), rows.dtype, Shape{rows.m, rows.k});
}

double squared_error(const Rows& w, const OwnedInt4Weight& q, std::size_t row, std::size_t group) {
  double error = 0;
  for (std::size_t i = 0; i < q.group_size; ++i) {
    const std::size_t at = group * q.group_size + i;
    const double scale = q.scales[row * (q.k / q.group_size) + group];
    const double value = (int4_at(q, row, at) - 8) * scale;
    error += std::pow(value - w.floats[row * w.k + at], 2);
  }
  return error;
}

TEST(QuantizeInt8, RoundsToNearestOfTheRowsScale) {
  std::mt19937 random(1);
  WorkerPool pool(2);
  for (const DType dtype : {DType::kF32, DType::kBF16, DType::kF16}) {
    Rows w = random_rows(70, 333, dtype, random);
    const OwnedInt8Weight q = quantize_int8(view_of(w), pool).value();
    for (std::size_t row = 0; row < w.m; ++row) {
      float largest = 0;
      for (std::size_t i = 0; i < w.k; ++i) {
        largest = std::max(largest, std::abs(w.floats[row * w.k + i]));
      }
      ASSERT_EQ(q.scales[row], largest / 127.0F);
      for (std::size_t i = 0; i < w.k; ++i) {
        const float expected = std::nearbyint(w.floats[row * w.k + i] * (127.0F / largest));
        ASSERT_EQ(q.values[row * w.k + i], expected);
      }
    }
  }
}

TEST(QuantizeInt4, IsBetterThanRoundingToTheLargestOverSeven) {
  std::mt19937 random(2);
  WorkerPool pool(2);
  for (const std::size_t group_size : {32, 128}) {
    const Rows w = random_rows(64, 256, DType::kBF16, random);
    const OwnedInt4Weight q = quantize_int4(view_of(w), group_size, pool).value();
    double chosen = 0;
    double plain = 0;
    for (std::size_t row = 0; row < w.m; ++row) {
      for (std::size_t group = 0; group < w.k / group_size; ++group) {
        const float* values = &w.floats[row * w.k + group * group_size];
        float largest = 0;
        for (std::size_t i = 0; i < group_size; ++i) {
          largest = std::max(largest, std::abs(values[i]));
        }
        double error = 0;
        for (std::size_t i = 0; i < group_size; ++i) {
          const double scale = largest / 7.0;
          error += std::pow(std::nearbyint(values[i] / scale) * scale - values[i], 2);
        }
        const double ours = squared_error(w, q, row, group);
        ASSERT_LE(ours, error * (1 + 1e-5));  // absmax / 7 is among the candidates
        chosen += ours;
        plain += error;
      }
    }
    EXPECT_LT(chosen, 0.85 * plain) << group_size;
  }
}

TEST(QuantizeInt4, WeightsOfTheGridComeBackExactly) {
  WorkerPool pool(1);
  std::vector<float> floats;
  for (int i = 0; i < 64; ++i) floats.push_back(static_cast<float>(i % 16 - 8) * 0.25F);
  const Rows w = make_rows(1, 64, DType::kF32, floats);
  const OwnedInt4Weight q = quantize_int4(view_of(w), 32, pool).value();
  for (std::size_t group = 0; group < 2; ++group) EXPECT_EQ(squared_error(w, q, 0, group), 0.0);
}

TEST(Quantize, ZerosAndTinyValuesHaveScaleZero) {
  WorkerPool pool(1);
  for (const float value : {0.0F, 1e-42F}) {
    const Rows w = constant_rows(2, 64, DType::kF32, value);
    const OwnedInt8Weight q8 = quantize_int8(view_of(w), pool).value();
    EXPECT_EQ(q8.scales, std::vector<float>(2, 0.0F));
    EXPECT_EQ(q8.values, std::vector<std::int8_t>(128, 0));
    const OwnedInt4Weight q4 = quantize_int4(view_of(w), 32, pool).value();
    EXPECT_EQ(q4.scales, std::vector<float>(4, 0.0F));
    EXPECT_EQ(q4.values, std::vector<std::uint8_t>(64, 0x88));
  }
}

TEST(Quantize, LargestValuesStayFinite) {
  WorkerPool pool(1);
  Rows w = constant_rows(1, 32, DType::kF32, std::numeric_limits<float>::max());
  EXPECT_EQ(quantize_int8(view_of(w), pool).value().values, std::vector<std::int8_t>(32, 127));
  EXPECT_TRUE(std::isfinite(quantize_int4(view_of(w), 32, pool).value().scales[0]));
}

TEST(Quantize, DoesNotDependOnThreads) {
  std::mt19937 random(3);
  WorkerPool one(1);
  WorkerPool two(2);
  const Rows w = random_rows(300, 512, DType::kBF16, random);
  EXPECT_EQ(quantize_int8(view_of(w), one).value().values,
            quantize_int8(view_of(w), two).value().values);
  const OwnedInt4Weight a = quantize_int4(view_of(w), 128, one).value();
  const OwnedInt4Weight b = quantize_int4(view_of(w), 128, two).value();
  EXPECT_EQ(a.values, b.values);
  EXPECT_EQ(a.scales, b.scales);
}

TEST(Quantize, RefusesWhatCannotBe) {
  WorkerPool pool(1);
  Rows w = constant_rows(3, 64, DType::kF32, 1.0F);
  const auto code4 = [&](std::size_t group_size) {
    return quantize_int4(view_of(w), group_size, pool).error().code();
  };
  EXPECT_EQ(code4(0), Code::kInvalidArgument);
  EXPECT_EQ(code4(16), Code::kInvalidArgument);
  EXPECT_EQ(code4(128), Code::kInvalidArgument);
  EXPECT_EQ(code4(64), Code::kOk);
  const TensorView flat(w.stored.data(), DType::kF32, Shape{192});
  EXPECT_EQ(quantize_int8(flat, pool).error().code(), Code::kInvalidArgument);
  reinterpret_cast<float*>(w.stored.data())[70] = std::numeric_limits<float>::infinity();
  EXPECT_EQ(code4(64), Code::kInvalidArgument);
  const Result<OwnedInt8Weight> refused = quantize_int8(view_of(w), pool);
  EXPECT_EQ(refused.error().code(), Code::kInvalidArgument);
  EXPECT_NE(refused.error().message().find("row 1 "), std::string::npos);
}

}  // namespace
}  // namespace nacelle::kernels
