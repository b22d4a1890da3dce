#include "router/core/row_lru.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <list>
#include <random>

namespace nacelle::router {
namespace {

std::vector<std::uint32_t> rows_of(const RowLru& lru) {
  std::vector<std::uint32_t> rows;
  lru.for_each([&](std::uint32_t row) { rows.push_back(row); });
  return rows;
}

TEST(RowLru, EqualsAListUnderRandomOperations) {
  for (std::uint32_t seed = 1; seed <= 20; ++seed) {
    SCOPED_TRACE(seed);
    std::mt19937 random(seed);
    RowLru lru(1);
    std::list<std::uint32_t> slow;                            // oldest first
    const std::uint32_t range = seed % 2 == 0 ? 64 : 100000;  // dense and scattered pages
    for (int step = 0; step < 3000; ++step) {
      if (random() % 3 == 0 && !slow.empty()) {
        ASSERT_EQ(lru.pop_oldest(), slow.front());
        slow.pop_front();
      } else if (random() % 5 == 0) {
        const std::uint32_t row =
            random() % 2 == 0 && !slow.empty() ? slow.back() : random() % range;
        const auto found = std::find(slow.begin(), slow.end(), row);
        ASSERT_EQ(lru.erase(row), found != slow.end());
        if (found != slow.end()) slow.erase(found);
      } else {
        const std::uint32_t row = random() % range;
        const auto found = std::find(slow.begin(), slow.end(), row);
        ASSERT_EQ(lru.touch(row), found == slow.end());
        if (found != slow.end()) slow.erase(found);
        slow.push_back(row);
      }
      ASSERT_EQ(lru.size(), slow.size());
    }
    EXPECT_EQ(rows_of(lru), (std::vector<std::uint32_t>(slow.begin(), slow.end())));
    while (!slow.empty()) {
      ASSERT_EQ(lru.pop_oldest(), slow.front());
      slow.pop_front();
    }
    EXPECT_EQ(lru.size(), 0u);
  }
}

}  // namespace
}  // namespace nacelle::router
