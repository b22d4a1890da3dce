#include "kernels/softmax/softmax.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <random>
#include <vector>

namespace nacelle::kernels {
namespace {

constexpr float kInfinity = std::numeric_limits<float>::infinity();
constexpr float kNan = std::numeric_limits<float>::quiet_NaN();

TEST(RowStats, EverySetAgreesWithTheDefinition) {
  std::mt19937 random(1);
  for (const std::size_t size : {1, 2, 15, 16, 17, 63, 64, 257, 30'011}) {
    for (const float spread : {0.01F, 3.0F, 100.0F}) {
      std::normal_distribution<float> normal(-2.0F, spread);
      std::vector<float> row(size);
      for (float& value : row) value = normal(random);
      const float most = *std::max_element(row.begin(), row.end());
      double sum = 0;
      for (const float value : row) sum += std::exp(double{value} - most);
      const double exact = most + std::log(sum);
      for (const Isa isa : supported_isas()) {
        const RowStats stats = row_stats(isa, row);
        EXPECT_EQ(stats.max, most);
        // exp within 2 units, sums in f64, log and sum rounded to f32.
        EXPECT_NEAR(stats.log_sum_exp, exact, 0x1p-20 + std::abs(exact) * 0x1p-22)
            << to_string(isa) << " size " << size;
      }
    }
  }
}

TEST(RowStats, SpecialValues) {
  for (const Isa isa : supported_isas()) {
    const std::vector<float> masked = {-kInfinity, 2.0F, -kInfinity, 2.0F};
    EXPECT_NEAR(row_stats(isa, masked).log_sum_exp, 2.0 + std::log(2.0), 1e-6);
    const std::vector<float> nothing(20, -kInfinity);
    EXPECT_EQ(row_stats(isa, nothing).log_sum_exp, -kInfinity);
    std::vector<float> poisoned(20, 1.0F);
    poisoned[17] = kNan;
    EXPECT_EQ(row_stats(isa, poisoned).max, 1.0F);
    EXPECT_TRUE(std::isnan(row_stats(isa, poisoned).log_sum_exp));
    poisoned[3] = kInfinity;
    EXPECT_EQ(row_stats(isa, poisoned).log_sum_exp, kInfinity);
    EXPECT_TRUE(std::isnan(row_stats(isa, std::vector<float>{kNan}).log_sum_exp));
  }
}

TEST(Argmax, FindsTheFirstOfTheLargest) {
  for (const Isa isa : supported_isas()) {
    for (const std::size_t size : {1, 7, 16, 31, 64, 100, 257}) {
      for (std::size_t place = 0; place < size; ++place) {
        std::vector<float> row(size, -3.0F);
        row[place] = 5.0F;
        row.back() = 5.0F;
        if (place > 0) row[place - 1] = kNan;
        ASSERT_EQ(argmax(isa, row), place) << to_string(isa) << " size " << size;
      }
    }
    EXPECT_EQ(argmax(isa, std::vector<float>(40, kNan)), 0u);
    EXPECT_EQ(argmax(isa, std::vector<float>(40, -kInfinity)), 0u);
    EXPECT_EQ(argmax(isa, std::vector<float>{kNan, kInfinity, 1.0F}), 1u);
    EXPECT_EQ(argmax(isa, std::vector<float>{-0.0F, 0.0F}), 0u);  // equal values
  }
}

TEST(TopK, OrdersByValueThenIndex) {
  std::mt19937 random(2);
  std::vector<float> row(1003);
  for (float& value : row) value = static_cast<float>(random() % 50);  // many ties
  row[10] = kNan;
  std::vector<IndexedValue> all;
  for (std::uint32_t i = 0; i < row.size(); ++i) {
    all.push_back({i, std::isnan(row[i]) ? -kInfinity : row[i]});
  }
  std::stable_sort(all.begin(), all.end(),
                   [](const IndexedValue& a, const IndexedValue& b) { return a.value > b.value; });
  for (const Isa isa : supported_isas()) {
    for (const std::size_t count : {0, 1, 2, 20, 1003, 5000}) {
      const std::vector<IndexedValue> best = top_k(isa, row, count);
      const std::size_t expected = std::min<std::size_t>(count, row.size());
      ASSERT_EQ(best.size(), expected);
      EXPECT_TRUE(std::equal(best.begin(), best.end(), all.begin()));
    }
  }
}

}  // namespace
}  // namespace nacelle::kernels
