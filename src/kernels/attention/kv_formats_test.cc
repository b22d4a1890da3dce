// The 8-bit formats of K and V: the stored values against a slow model, and attention over them.
#include <gtest/gtest.h>

#include <array>
#include <bit>
#include <limits>

#include "kernels/attention/attention.h"
#include "kernels/attention/kv_quantize.h"
#include "kernels/attention/testing/paged_sequence.h"

namespace nacelle::kernels {
namespace {

using testing::Paged;
using testing::run_chunk;
using testing::run_whole;
using testing::same_bits;
using testing::Sequence;

// The nearest of all e4m3 values, the even code of two.
float nearest_e4m3(float value) {
  float best = 0.0F;
  double best_gap = std::numeric_limits<double>::infinity();
  for (int code = 0; code < 127; ++code) {
    const float candidate = f8_e4m3_to_float(static_cast<std::uint8_t>(code));
    const double gap = std::abs(double{candidate} - std::abs(double{value}));
    if (gap < best_gap || (gap == best_gap && code % 2 == 0)) {
      best = candidate;
      best_gap = gap;
    }
  }
  return std::copysign(best, value);
}

TEST(KvQuantize, E4M3IsTheNearestValueAndSaturates) {
  std::mt19937 random(1);
  std::vector<float> values = {0.0F,   -0.0F,   448.0F,  463.0F,   464.0F,     1e30F,
                               -1e30F, 0x1p-6F, 0x1p-9F, 0x1p-10F, 0x1.8p-10F, 0x1.fffp-7F,
                               1e-30F, 17.0F,   18.0F,   19.0F};
  for (int i = 0; i < 20000; ++i) {
    const auto bits = static_cast<std::uint32_t>(random());
    values.push_back(
        std::bit_cast<float>((bits & 0x80ffffffu) + 0x38000000u + (bits & 0xf000000u)));
  }
  std::vector<std::uint8_t> codes(values.size());
  quantize_e4m3(values.data(), values.size(), 1.0F, codes.data());
  for (std::size_t i = 0; i < values.size(); ++i) {
    ASSERT_EQ(f8_e4m3_to_float(codes[i]), nearest_e4m3(values[i])) << values[i];
    ASSERT_EQ(std::signbit(f8_e4m3_to_float(codes[i])), std::signbit(values[i])) << values[i];
  }
  const std::array<float, 3> special = {std::numeric_limits<float>::quiet_NaN(),
                                        std::numeric_limits<float>::infinity(), 100.0F};
  std::array<std::uint8_t, 3> out{};
  quantize_e4m3(special.data(), 3, 0.125F, out.data());
  EXPECT_EQ(out[0] & 0x7f, 0x7f);
  EXPECT_EQ(out[1], 0x7e);
  EXPECT_EQ(out[2], 0x7e);  // 800
}

TEST(KvQuantize, I8KeepsTheLargestAndRoundsTheRest) {
  const std::vector<float> values = {1.0F, -127.0F, 63.4F, 63.6F, 0.5F, 1.5F, 2.5F, -2.5F};
  std::vector<std::uint8_t> codes(values.size());
  EXPECT_EQ(quantize_i8(values.data(), values.size(), codes.data()), 1.0F);
  const std::int8_t expected[] = {1, -127, 63, 64, 0, 2, 2, -2};
  for (std::size_t i = 0; i < values.size(); ++i) {
    EXPECT_EQ(static_cast<std::int8_t>(codes[i]), expected[i]) << values[i];
  }
  const std::vector<float> zeros(4, 0.0F);
  EXPECT_EQ(quantize_i8(zeros.data(), 4, codes.data()), 0.0F);
  const std::vector<float> bad = {1.0F, std::numeric_limits<float>::infinity()};
  EXPECT_TRUE(std::isnan(quantize_i8(bad.data(), 2, codes.data())));
}

// The sequence with K and V as they are stored; also checks how far that is from the original.
Sequence as_stored(Sequence sequence, const KvScales& scales) {
  const std::size_t dim = sequence.heads.dim;
  const auto replace = [&](std::vector<float>& values, float scale) {
    for (std::size_t row = 0; row < values.size(); row += dim) {
      float most = 0.0F;
      for (std::size_t i = 0; i < dim; ++i) most = std::max(most, std::abs(values[row + i]));
      for (std::size_t i = 0; i < dim; ++i) {
        float& value = values[row + i];
        const float before = value;
        if (sequence.dtype == DType::kF8E4M3) {
          value = nearest_e4m3(value / scale) * scale;
          EXPECT_LE(std::abs(value - before), std::max(std::abs(before) / 16, scale * 0x1p-10F));
        } else {
          value = std::nearbyint(before / (most / 127.0F)) * (most / 127.0F);
          EXPECT_LE(std::abs(value - before), most / 127.0F * 0.51F);
        }
      }
    }
  };
  replace(sequence.k, scales.k);
  replace(sequence.v, scales.v);
  return sequence;
}

TEST(KvFormats, EverySetAgreesWithTheDefinitionOverStoredValues) {
  WorkerPool pool(2);
  struct Case {
    testing::Heads heads;
    std::uint32_t length, block_size, window;
    KvScales scales;
  };
  const Case cases[] = {{{4, 2, 64}, 150, 16, 0, {}},
                        {{16, 8, 128}, 70, 16, 0, {0.02F, 0.5F}},
                        {{2, 1, 24}, 300, 32, 0, {0.25F, 0.03125F}},
                        {{2, 1, 512}, 66, 16, 0, {}},
                        {{4, 2, 32}, 200, 16, 51, {}},
                        {{2, 1, 40}, 130, 5, 33, {1.0F, 2.0F}}};
  for (const DType dtype : {DType::kF8E4M3, DType::kI8}) {
    for (const Case& c : cases) {
      const Sequence sequence(c.heads, c.length, dtype, 7);
      const AttentionOptions options{1.0F / std::sqrt(static_cast<float>(c.heads.dim)), c.window,
                                     c.scales};
      std::vector<float> spread;
      const std::vector<float> exact = as_stored(sequence, c.scales).exact(options, &spread);
      for (const Isa isa : supported_isas()) {
        SCOPED_TRACE(fmt::format("{} {} dim {} block {} window {}", to_string(isa),
                                 to_string(dtype), c.heads.dim, c.block_size, c.window));
        const std::vector<float> out = run_whole({pool, isa}, sequence, c.block_size, options);
        for (std::size_t i = 0; i < out.size(); ++i) {
          ASSERT_NEAR(out[i], exact[i], testing::tolerance(isa, dtype, spread[i])) << i;
        }
      }
    }
  }
}

TEST(KvFormats, BitsDoNotDependOnChunkingBlockSizeOrThreads) {
  WorkerPool one(1);
  WorkerPool two(2);
  for (const DType dtype : {DType::kF8E4M3, DType::kI8}) {
    for (const std::uint32_t window : {0u, 90u}) {
      const Sequence sequence({4, 2, 48}, 330, dtype, 4);
      const AttentionOptions options{0.125F, window, {0.5F, 0.25F}};
      for (const Isa isa : supported_isas()) {
        if (isa == Isa::kReference) continue;
        const std::vector<float> expected = run_whole({one, isa}, sequence, 16, options);
        for (const std::uint32_t block_size : {1u, 5u, 32u, 48u, 256u}) {
          SCOPED_TRACE(fmt::format("{} {} block {}", to_string(isa), to_string(dtype), block_size));
          EXPECT_TRUE(same_bits(run_whole({two, isa}, sequence, block_size, options), expected));
        }
        for (const std::uint32_t chunk : {1u, 17u, 100u}) {
          Paged paged(sequence, 16, 6);
          std::vector<float> out(sequence.q.size());
          for (std::uint32_t begin = 0; begin < sequence.length; begin += chunk) {
            run_chunk({two, isa}, sequence, paged, begin, std::min(chunk, sequence.length - begin),
                      options, out);
          }
          EXPECT_TRUE(same_bits(out, expected)) << to_string(isa) << " chunks of " << chunk;
        }
      }
    }
  }
}

TEST(KvFormats, MemoryOutsideTheVisibleSlotsIsNeverUsed) {
  WorkerPool pool(1);
  const AttentionOptions options{0.2F, 20};
  for (const DType dtype : {DType::kF8E4M3, DType::kI8}) {
    const Sequence sequence({2, 1, 32}, 101, dtype, 9);
    for (const Isa isa : supported_isas()) {
      for (const std::uint32_t block_size : {16u, 8u}) {
        SCOPED_TRACE(fmt::format("{} {} block {}", to_string(isa), to_string(dtype), block_size));
        const std::vector<float> expected = run_whole({pool, isa}, sequence, block_size, options);
        Paged paged(sequence, block_size, 1);
        std::memset(paged.memory.data(), 0xff,
                    paged.layout.bytes());  // NaN as e4m3, and as a scale
        std::vector<float> out(sequence.q.size());
        for (std::uint32_t i = (101 - 20) / block_size * block_size; i < 101; ++i) {
          run_chunk({pool, isa}, sequence, paged, i, 1, options, out);
        }
        EXPECT_EQ(std::memcmp(&out[100 * 64], &expected[100 * 64], 64 * 4), 0);
      }
    }
  }
}

TEST(KvFormats, EveryByteIsWidenedExactly) {
  // One position: its weight is 1, so that the result is V.
  WorkerPool pool(1);
  std::vector<float> v;
  for (int code = 0; code < 256; ++code) {
    if ((code & 0x7f) != 0x7f) v.push_back(f8_e4m3_to_float(static_cast<std::uint8_t>(code)));
  }
  std::vector<float> whole;
  for (int i = -127; i <= 127; ++i) whole.push_back(static_cast<float>(i));
  for (const DType dtype : {DType::kF8E4M3, DType::kI8}) {
    const std::vector<float>& values = dtype == DType::kI8 ? whole : v;
    Sequence sequence({1, 1, static_cast<std::uint32_t>(values.size())}, 1, dtype, 1);
    sequence.v = values;
    for (const Isa isa : supported_isas()) {
      const std::vector<float> out = run_whole({pool, isa}, sequence, 16, {});
      for (std::size_t i = 0; i < out.size(); ++i) ASSERT_EQ(out[i], values[i]) << to_string(isa);
    }
  }
}

}  // namespace
}  // namespace nacelle::kernels
