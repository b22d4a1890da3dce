// The tile unit in software, against its manual's pseudo code written out number by number, and
// against the hardware where there is some.
#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <limits>
#include <random>
#include <vector>

#include "kernels/isa.h"
#include "kernels/simd/tile_config.h"

#if defined(__x86_64__)
#include <immintrin.h>

#pragma GCC diagnostic ignored "-Wunused-function"
#pragma GCC diagnostic ignored "-Wuninitialized"

namespace nacelle::kernels {
namespace {

#pragma GCC push_options
#pragma GCC target("avx2,fma,f16c,avx512f,avx512bw,avx512vl,avx512dq")
namespace tiles {
#include "kernels/simd/tiles_emulated.inc"
// Order does not matter.
#include "kernels/simd/tiles_hardware.inc"

using Memory = std::uint8_t[kTileRows][kTileRowBytes];

enum class Product { kBF16, kInt8 };

// c += a b for tiles in memory; loads and stores by the shapes of `config` (tiles 0, 1, 2).
template <class Tiles>
void run(Product product, const TileConfig& config, Memory& c, const Memory& a, const Memory& b) {
  Tiles::configure(config);
  Tiles::template load<0>(c, kTileRowBytes);
  Tiles::template load<1>(a, kTileRowBytes);
  Tiles::template load_stream<2>(b, kTileRowBytes);
  if (product == Product::kBF16) {
    Tiles::template dot_bf16<0, 1, 2>();
  } else {
    Tiles::template dot_int8<0, 1, 2>();
  }
  Tiles::template store<0>(c, kTileRowBytes);
  Tiles::release();
}
}  // namespace tiles
#pragma GCC pop_options

using tiles::Memory;
using tiles::Product;

TileConfig shapes(std::size_t m, std::size_t n, std::size_t k) {  // n and k in words
  TileConfig config;
  config.rows[0] = config.rows[1] = static_cast<std::uint8_t>(m);
  config.rows[2] = static_cast<std::uint8_t>(k);
  config.row_bytes[0] = config.row_bytes[2] = static_cast<std::uint16_t>(4 * n);
  config.row_bytes[1] = static_cast<std::uint16_t>(4 * k);
  return config;
}

float flushed(float x) {  // subnormal: zero of the same sign
  return std::fpclassify(x) == FP_SUBNORMAL ? std::copysign(0.0F, x) : x;
}

float bf16_at(const Memory& tile, std::size_t row, std::size_t index) {
  std::uint16_t bits;
  std::memcpy(&bits, &tile[row][2 * index], 2);
  return flushed(std::bit_cast<float>(std::uint32_t{bits} << 16));
}

float f32_at(const Memory& tile, std::size_t row, std::size_t index) {
  float value;
  std::memcpy(&value, &tile[row][4 * index], 4);
  return value;
}

void put(Memory& tile, std::size_t row, std::size_t index, float value) {
  std::memcpy(&tile[row][4 * index], &value, 4);
}

void put_bf16(Memory& tile, std::size_t row, std::size_t index, float value) {
  const auto bits = static_cast<std::uint16_t>(std::bit_cast<std::uint32_t>(value) >> 16);
  std::memcpy(&tile[row][2 * index], &bits, 2);
}

// The pseudo code of TDPBF16PS with std::fma.
void model_bf16(const TileConfig& config, Memory& c, const Memory& a, const Memory& b) {
  for (std::size_t m = 0; m < config.rows[0]; ++m) {
    for (std::size_t n = 0; n < config.row_bytes[0] / 4u; ++n) {
      float even = 0;
      float odd = 0;
      for (std::size_t k = 0; k < config.row_bytes[1] / 4u; ++k) {
        even = flushed(std::fma(bf16_at(a, m, 2 * k), bf16_at(b, k, 2 * n), even));
        odd = flushed(std::fma(bf16_at(a, m, 2 * k + 1), bf16_at(b, k, 2 * n + 1), odd));
      }
      put(c, m, n, flushed(flushed(f32_at(c, m, n)) + flushed(even + odd)));
    }
  }
}

// The pseudo code of TDPBSSD.
void model_int8(const TileConfig& config, Memory& c, const Memory& a, const Memory& b) {
  for (std::size_t m = 0; m < config.rows[0]; ++m) {
    for (std::size_t n = 0; n < config.row_bytes[0] / 4u; ++n) {
      std::uint32_t sum;
      std::memcpy(&sum, &c[m][4 * n], 4);
      for (std::size_t i = 0; i < config.row_bytes[1]; ++i) {
        const int left = static_cast<std::int8_t>(a[m][i]);
        const int right = static_cast<std::int8_t>(b[i / 4][4 * n + i % 4]);
        sum += static_cast<std::uint32_t>(left * right);
      }
      std::memcpy(&c[m][4 * n], &sum, 4);
    }
  }
}

struct Shape {
  std::size_t m, n, k;
};
constexpr Shape kShapes[] = {{16, 16, 16}, {1, 16, 16}, {7, 16, 8}, {16, 3, 1}, {5, 9, 11}};

// Values from 2^-140 to 2^120 at every spread, so that sums cancel, vanish and overflow.
void fill_bf16(Memory& tile, std::mt19937& random, int low, int high) {
  for (std::size_t row = 0; row < kTileRows; ++row) {
    for (std::size_t i = 0; i < kTileRowBytes / 2; ++i) {
      const int exponent = low + static_cast<int>(random() % static_cast<unsigned>(high - low));
      const float sign = random() % 2 == 0 ? 1.0F : -1.0F;
      put_bf16(tile, row, i,
               sign * std::ldexp(1.0F + static_cast<float>(random() % 128) / 128, exponent));
    }
  }
}

void fill_f32(Memory& tile, std::mt19937& random, int low, int high) {
  fill_bf16(tile, random, low, high);
  for (std::size_t row = 0; row < kTileRows; ++row) {
    for (std::size_t i = 0; i < kTileRowBytes; i += 4) {
      tile[row][i] = static_cast<std::uint8_t>(random());
    }
  }
}

void fill_bytes(Memory& tile, std::mt19937& random) {
  for (auto& row : tile) {
    for (auto& byte : row) byte = static_cast<std::uint8_t>(random() % 8 == 0 ? 0x80 : random());
  }
}

// Equal bits, or NaN in both: the manual does not say which NaN.
void expect_same(const Memory& got, const Memory& wanted, Product product) {
  for (std::size_t row = 0; row < kTileRows; ++row) {
    for (std::size_t i = 0; i < kTileRowBytes / 4; ++i) {
      const float left = f32_at(got, row, i);
      const float right = f32_at(wanted, row, i);
      if (product == Product::kBF16 && std::isnan(left) && std::isnan(right)) continue;
      ASSERT_EQ(std::bit_cast<std::uint32_t>(left), std::bit_cast<std::uint32_t>(right))
          << "row " << row << " column " << i;
    }
  }
}

// Runs `check(config, c, a, b, product)` over shapes and ranges of values.
template <class Check>
void over_cases(const Check& check) {
  std::mt19937 random(3);
  const int ranges[][2] = {{-4, 4}, {-66, -58}, {-130, -60}, {-75, 60}, {50, 70}, {-149, 128}};
  for (const Shape shape : kShapes) {
    const TileConfig config = shapes(shape.m, shape.n, shape.k);
    for (const auto& range : ranges) {
      alignas(64) Memory c, a, b;
      fill_f32(c, random, std::max(-149, 2 * range[0]), std::min(128, 2 * range[1]));
      fill_bf16(a, random, range[0], range[1]);
      fill_bf16(b, random, range[0], range[1]);
      SCOPED_TRACE(testing::Message()
                   << shape.m << "x" << shape.n << "x" << shape.k << " from 2^" << range[0]);
      check(config, c, a, b, Product::kBF16);
      fill_bytes(c, random);
      fill_bytes(a, random);
      fill_bytes(b, random);
      check(config, c, a, b, Product::kInt8);
    }
  }
}

bool can_emulate() { return is_supported(Isa::kAvx512); }

TEST(TilesEmulated, FollowsThePseudoCode) {
  if (!can_emulate()) GTEST_SKIP() << "needs AVX-512";
  over_cases([](const TileConfig& config, const Memory& c, const Memory& a, const Memory& b,
                Product product) {
    alignas(64) Memory got, wanted;
    std::memcpy(got, c, sizeof(got));
    std::memcpy(wanted, c, sizeof(wanted));
    const unsigned before = _mm_getcsr();
    tiles::run<tiles::EmulatedTiles>(product, config, got, a, b);
    ASSERT_EQ(_mm_getcsr(), before) << "no exception is raised or denoted";
    product == Product::kBF16 ? model_bf16(config, wanted, a, b) : model_int8(config, wanted, a, b);
    expect_same(got, wanted, product);
  });
}

// One row, one column, one pair: what the order of the sums and the flushing mean.
struct PairCase {
  const char* name;
  float c;
  float a[2];
  float b[2];
  float expected;
};

TEST(TilesEmulated, RoundsAndFlushesAsTheManualSays) {
  if (!can_emulate()) GTEST_SKIP() << "needs AVX-512";
  const float smallest = std::numeric_limits<float>::min();
  const PairCase cases[] = {
      {"the pair's sum is rounded before it meets C", -0x1p24F, {0x1p12F, 1}, {0x1p12F, 1}, 0},
      {"a tie goes to the even sum", 0, {0x1p12F, 3}, {0x1p12F, 1}, 0x1p24F + 4},
      {"a subnormal element of A is zero", 1, {0x1p-127F, 0}, {0x1p127F, 0}, 1},
      {"a subnormal element of B is zero", 1, {0, 0x1p127F}, {0, 0x1p-127F}, 1},
      {"a subnormal C is zero", 0x1p-127F, {1, 0}, {smallest, 0}, smallest},
      {"a subnormal product is zero", 0, {0x1p-64F, 0x1p-64F}, {0x1p-63F, 0x1p-63F}, 0},
      {"infinity stays", 1, {0x1p120F, 0}, {0x1p120F, 0}, std::numeric_limits<float>::infinity()},
  };
  for (const PairCase& c : cases) {
    alignas(64) Memory sum = {}, a = {}, b = {};
    put(sum, 0, 0, c.c);
    for (std::size_t i = 0; i < 2; ++i) {
      put_bf16(a, 0, i, c.a[i]);
      put_bf16(b, 0, i, c.b[i]);
    }
    tiles::run<tiles::EmulatedTiles>(Product::kBF16, shapes(1, 1, 1), sum, a, b);
    EXPECT_EQ(f32_at(sum, 0, 0), c.expected) << c.name;
  }
}

TEST(TilesEmulated, LoadsZeroWhatLiesBeyondTheShape) {
  if (!can_emulate()) GTEST_SKIP() << "needs AVX-512";
  alignas(64) Memory ones;
  std::memset(ones, 1, sizeof(ones));
  TileConfig config = shapes(3, 5, 7);
  tiles::EmulatedTiles::configure(config);
  tiles::EmulatedTiles::load<0>(ones, kTileRowBytes);
  const auto& tile = tiles::EmulatedTiles::tile_at(0);
  for (std::size_t row = 0; row < kTileRows; ++row) {
    for (std::size_t i = 0; i < kTileRowBytes; ++i) {
      EXPECT_EQ(tile.row[row][i], row < 3 && i < 20 ? 1 : 0);
    }
  }
  tiles::EmulatedTiles::release();
}

TEST(TilesEmulatedDeathTest, WrongShapesTrapAsTheyFault) {
  if (!can_emulate()) GTEST_SKIP() << "needs AVX-512";
  alignas(64) static Memory memory = {};
  const auto run = [](const TileConfig& config) {
    tiles::run<tiles::EmulatedTiles>(Product::kBF16, config, memory, memory, memory);
  };
  TileConfig rows_differ = shapes(4, 4, 4);
  rows_differ.rows[1] = 5;
  TileConfig depths_differ = shapes(4, 4, 4);
  depths_differ.row_bytes[1] = 20;
  TileConfig too_many_rows = shapes(4, 4, 4);
  too_many_rows.rows[3] = 17;
  EXPECT_DEATH(run(rows_differ), "");
  EXPECT_DEATH(run(depths_differ), "");
  EXPECT_DEATH(run(too_many_rows), "");
  EXPECT_DEATH(tiles::EmulatedTiles::zero<0>(), "") << "tiles that are not configured";
}

TEST(TilesHardware, GivesTheBitsOfTheEmulation) {
  if (!is_supported(Isa::kAmx)) GTEST_SKIP() << "this machine has no AMX";
  over_cases([](const TileConfig& config, const Memory& c, const Memory& a, const Memory& b,
                Product product) {
    alignas(64) Memory hardware, software;
    std::memcpy(hardware, c, sizeof(hardware));
    std::memcpy(software, c, sizeof(software));
    tiles::run<tiles::HardwareTiles>(product, config, hardware, a, b);
    tiles::run<tiles::EmulatedTiles>(product, config, software, a, b);
    expect_same(hardware, software, product);
  });
}

}  // namespace
}  // namespace nacelle::kernels
#endif
