#include "engine/exec/sampler/selection.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <limits>

#include "engine/core/testing/property.h"

namespace nacelle::engine {
namespace {

bool same(const Candidate& a, const Candidate& b) {
  return a.token == b.token && a.value == b.value;
}

std::vector<Candidate> sorted(const std::vector<float>& row) {
  std::vector<Candidate> all;
  for (std::uint32_t i = 0; i < row.size(); ++i) all.push_back({i, row[i]});
  std::ranges::sort(all, comes_before);
  return all;
}

TEST(Selection, LargestAgreesWithSorting) {
  testing::for_each_seed(200, [](testing::Random& random) {
    const std::size_t size = testing::pick(random, 1, 9000);
    const std::uint32_t distinct = testing::chance(random, 0.5) ? 20 : 100000;  // many ties or few
    std::vector<float> row(size);
    for (float& x : row) x = static_cast<float>(testing::pick(random, 0, distinct)) - 10;
    if (testing::chance(random, 0.2)) std::ranges::sort(row);  // every element is a new maximum
    if (testing::chance(random, 0.2)) std::ranges::sort(row, std::greater<>());
    const std::vector<Candidate> expected = sorted(row);
    Selector selector;
    for (const std::size_t k : {std::size_t{1}, std::size_t{20}, size / 2 + 1, size}) {
      if (k > size) continue;
      EXPECT_EQ(selector.kth_largest(row, k), expected[k - 1].value);
      std::vector<Candidate> found;
      selector.largest(row, k, found);
      EXPECT_TRUE(std::ranges::equal(found, std::span(expected).first(k), same));
    }
  });
}

TEST(Selection, MinusInfinityIsNoCandidateForTheKthLargest) {
  constexpr float kInfinity = std::numeric_limits<float>::infinity();
  std::vector<float> row(3000, -kInfinity);
  row[5] = 1;
  row[2500] = 2;
  Selector selector;
  EXPECT_EQ(selector.kth_largest(row, 1), 2);
  EXPECT_EQ(selector.kth_largest(row, 2), 1);
  EXPECT_EQ(selector.kth_largest(row, 3), -kInfinity);
}

TEST(Selection, NucleusIsTheSmallestSetThatReachesTheTarget) {
  testing::for_each_seed(300, [](testing::Random& random) {
    const std::size_t size = testing::pick(random, 1, 2000);
    std::vector<float> weights(size);
    double total = 0;
    const std::uint32_t steps = testing::chance(random, 0.3) ? 1 : 64;  // 1: a wide border
    for (float& w : weights) {  // multiples of 1/64: sums are exact in any order
      w = static_cast<float>(testing::pick(random, 0, steps)) / static_cast<float>(steps);
      total += w;
    }
    const double target = total * testing::pick(random, 0, 64) / 64.0;
    std::vector<Candidate> expected;
    double before = 0;
    for (const Candidate& candidate : sorted(weights)) {
      if (!expected.empty() && before >= target) break;
      expected.push_back(candidate);
      before += candidate.value;
    }
    std::vector<Candidate> kept;
    for (std::uint32_t i = 0; i < size; ++i) kept.push_back({i, weights[i]});
    std::ranges::shuffle(kept, random);
    Selector selector;
    selector.keep_nucleus(kept, target);
    std::ranges::sort(kept, comes_before);
    EXPECT_TRUE(std::ranges::equal(kept, expected, same)) << kept.size() << " " << expected.size();
  });
}

}  // namespace
}  // namespace nacelle::engine
