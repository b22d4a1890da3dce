#include "router/core/row_table.h"

#include <gtest/gtest.h>

#include <map>
#include <random>

namespace nacelle::router {
namespace {

TEST(RowTable, EqualsAMapUnderRandomOperations) {
  for (std::uint32_t seed = 1; seed <= 10; ++seed) {
    SCOPED_TRACE(seed);
    std::mt19937_64 random(seed);
    RowTable table;
    std::map<std::uint64_t, std::uint32_t> slow;
    for (std::uint32_t step = 0; step < 20000; ++step) {
      // Few shards and few low bits, so that probe runs overlap and wrap around.
      const std::uint64_t hash = (random() % 3) << 56 | (random() % 40) << 20 | random() % 24;
      if (random() % 2 == 0) {
        table.erase(hash);
        slow.erase(hash);
      } else if (!slow.contains(hash)) {
        table.insert(hash, step);
        slow[hash] = step;
      }
      const std::uint64_t wanted = (random() % 3) << 56 | (random() % 40) << 20 | random() % 24;
      table.prefetch(wanted);
      ASSERT_EQ(table.find(wanted), slow.contains(wanted) ? slow[wanted] : RowTable::kNone);
      ASSERT_EQ(table.size(), slow.size());
    }
  }
}

}  // namespace
}  // namespace nacelle::router
