#include "engine/exec/sampler/row_ops.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>

#include "engine/core/testing/property.h"

namespace nacelle::engine {
namespace {

constexpr float kInfinity = std::numeric_limits<float>::infinity();

std::vector<float> random_row(testing::Random& random, std::size_t size) {
  std::vector<float> row(size);
  for (float& x : row) x = static_cast<float>(testing::pick(random, 0, 4000)) / 100.0f - 20.0f;
  return row;
}

TEST(RowOps, EveryInstructionSetGivesTheSameBits) {
  testing::for_each_seed(30, [](testing::Random& random) {
    const std::size_t size = testing::pick(random, 1, 3000);
    std::vector<float> row = random_row(random, size);
    if (testing::chance(random, 0.3)) row[size / 2] = -kInfinity;
    const RowOps& plain = *all_row_ops().front();
    const float max = plain.max(row.data(), size);
    const DrawKey key{random(), random()};
    for (const RowOps* ops : all_row_ops()) {
      EXPECT_EQ(ops->max(row.data(), size), max);
      EXPECT_EQ(ops->find_first(row.data(), size, max), plain.find_first(row.data(), size, max));
      EXPECT_EQ(ops->count_greater(row.data(), size, 0), plain.count_greater(row.data(), size, 0));
      EXPECT_EQ(std::bit_cast<std::uint64_t>(ops->sum_exp(row.data(), size, max, 0.7f)),
                std::bit_cast<std::uint64_t>(plain.sum_exp(row.data(), size, max, 0.7f)));
      EXPECT_EQ(ops->exponential_race(row.data(), size, max, 0.7f, key),
                plain.exponential_race(row.data(), size, max, 0.7f, key));
      std::vector<float> a(size), b(size);
      ops->exp(row.data(), size, max, 0.7f, a.data());
      plain.exp(row.data(), size, max, 0.7f, b.data());
      EXPECT_EQ(a, b);
      std::vector<std::uint32_t> some(size), same(size);
      some.resize(ops->indices_at_least(row.data(), size, 10, some.data()));
      same.resize(plain.indices_at_least(row.data(), size, 10, same.data()));
      EXPECT_EQ(some, same);
    }
  });
}

TEST(RowOps, AgreeWithTheObviousLoops) {
  testing::for_each_seed(30, [](testing::Random& random) {
    const std::size_t size = testing::pick(random, 1, 3000);
    const std::vector<float> row = random_row(random, size);
    const RowOps& ops = row_ops();
    const auto top = std::ranges::max_element(row);
    EXPECT_EQ(ops.max(row.data(), size), *top);
    EXPECT_EQ(ops.find_first(row.data(), size, *top), static_cast<std::size_t>(top - row.begin()));
    EXPECT_EQ(ops.find_first(row.data(), size, 1e6f), size);
    EXPECT_EQ(ops.count_greater(row.data(), size, 5),
              std::ranges::count_if(row, [](float x) { return x > 5; }));
    double sum = 0, best_score = -1;
    std::size_t winner = 0;
    const DrawKey key{random(), 3};
    for (std::size_t i = 0; i < size; ++i) {
      sum += std::exp((double{row[i]} - *top) * 0.5);
      const float score =
          row_exp((row[i] - *top) * 0.5f) / exponential_draw(key, static_cast<std::uint32_t>(i));
      if (score > best_score) {
        best_score = score;
        winner = i;
      }
    }
    EXPECT_NEAR(ops.sum_exp(row.data(), size, *top, 0.5f) / sum, 1, 2e-6);
    EXPECT_EQ(ops.exponential_race(row.data(), size, *top, 0.5f, key), winner);
  });
}

TEST(RowOps, MaxSeesNanAndInfinities) {
  std::vector<float> row(1000, -3.0f);
  EXPECT_EQ(row_ops().max(row.data(), row.size()), -3.0f);
  row[700] = -kInfinity;
  EXPECT_EQ(row_ops().max(row.data(), row.size()), -3.0f);
  row[999] = kInfinity;
  EXPECT_EQ(row_ops().max(row.data(), row.size()), kInfinity);
  for (const std::size_t position : {0u, 500u, 999u}) {
    std::vector<float> bad(1000, 1.0f);
    bad[position] = std::numeric_limits<float>::quiet_NaN();
    EXPECT_TRUE(std::isnan(row_ops().max(bad.data(), bad.size())));
    bad[position] = -std::numeric_limits<float>::quiet_NaN();
    EXPECT_TRUE(std::isnan(row_ops().max(bad.data(), bad.size())));
  }
}

TEST(RowOps, ExpIsWithinTwoUlp) {
  double worst = 0;
  for (float x = 0; x > -87; x -= 0.000937f) {
    const double exact = std::exp(static_cast<double>(x));
    worst = std::max(worst, std::abs(row_exp(x) - exact) / exact);
  }
  EXPECT_LE(worst, 0x1p-22);  // an ulp is 2^-24 to 2^-23 of the value
  EXPECT_EQ(row_exp(0), 1.0f);
  EXPECT_EQ(row_exp(-kInfinity), 0.0f);
  EXPECT_EQ(row_exp(-100), 0.0f);
}

TEST(RowOps, DrawsAreExponential) {
  constexpr std::uint32_t kDraws = 200000;
  double sum = 0, squares = 0;
  std::vector<float> draws;
  for (std::uint32_t i = 0; i < kDraws; ++i) {
    const float e = exponential_draw({.seed = 11, .position = i / 1000}, i % 1000);
    ASSERT_GT(e, 0);
    ASSERT_TRUE(std::isfinite(e));
    draws.push_back(e);
    sum += e;
    squares += double{e} * e;
  }
  EXPECT_NEAR(sum / kDraws, 1, 0.01);       // 4 sigma = 0.009
  EXPECT_NEAR(squares / kDraws, 2, 0.045);  // 4 sigma = 0.04
  // Kolmogorov-Smirnov: 1.95 / sqrt(n) is the 0.1 % bound.
  std::ranges::sort(draws);
  double distance = 0;
  for (std::uint32_t i = 0; i < kDraws; ++i) {
    distance = std::max(distance, std::abs(-std::expm1(-draws[i]) - (i + 0.5) / kDraws));
  }
  EXPECT_LT(distance, 1.95 / std::sqrt(kDraws));
}

}  // namespace
}  // namespace nacelle::engine
