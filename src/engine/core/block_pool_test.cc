#include "engine/core/block_pool.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <deque>
#include <map>

#include "engine/core/testing/property.h"

namespace nacelle::engine {
namespace {

TEST(BlockPool, HandsOutBlocksInOrderAndNeverTheNullBlock) {
  BlockPool pool(4);
  EXPECT_EQ(pool.num_free(), 3u);
  EXPECT_EQ(pool.allocate(), BlockId{1});
  EXPECT_EQ(pool.allocate(), BlockId{2});
  EXPECT_EQ(pool.allocate(), BlockId{3});
  EXPECT_EQ(pool.allocate(), std::nullopt);
  EXPECT_EQ(pool.num_free(), 0u);
}

TEST(BlockPool, ReusesTheBlockThatWasFreedFirst) {
  BlockPool pool(4);
  while (pool.allocate()) {
  }
  pool.release(BlockId{2});
  pool.release(BlockId{3});
  pool.release(BlockId{1});
  EXPECT_EQ(pool.allocate(), BlockId{2});
  EXPECT_EQ(pool.allocate(), BlockId{3});
  EXPECT_EQ(pool.allocate(), BlockId{1});
}

TEST(BlockPool, TouchedBlockLeavesTheFreeListUntilItsLastReferenceGoes) {
  BlockPool pool(4);
  pool.touch(BlockId{1});
  pool.touch(BlockId{1});
  EXPECT_EQ(pool.num_free(), 2u);
  EXPECT_EQ(pool.allocate(), BlockId{2});
  pool.release(BlockId{1});
  EXPECT_FALSE(pool.is_free(BlockId{1}));
  pool.release(BlockId{1});
  EXPECT_TRUE(pool.is_free(BlockId{1}));
  EXPECT_EQ(pool.allocate(), BlockId{3});
  EXPECT_EQ(pool.allocate(), BlockId{1});
}

TEST(BlockPoolDeathTest, ReleasingAFreeBlockIsABug) {
  BlockPool pool(4);
  EXPECT_DEATH(pool.release(BlockId{1}), "references");
  EXPECT_DEATH(pool.release(kNullBlock), "");
}

// The same operations on a deque and a map.
class ObviousPool {
 public:
  explicit ObviousPool(std::uint32_t num_blocks) {
    for (std::uint32_t i = 1; i < num_blocks; ++i) free_.push_back(i);
  }
  std::optional<BlockId> allocate() {
    if (free_.empty()) return std::nullopt;
    const std::uint32_t block = free_.front();
    free_.pop_front();
    references_[block] = 1;
    return BlockId{block};
  }
  void touch(BlockId block) {
    if (references_[block.value]++ == 0) std::erase(free_, block.value);
  }
  void release(BlockId block) {
    if (--references_[block.value] == 0) free_.push_back(block.value);
  }
  std::uint32_t references(BlockId block) { return references_[block.value]; }
  std::size_t num_free() const { return free_.size(); }

 private:
  std::deque<std::uint32_t> free_;
  std::map<std::uint32_t, std::uint32_t> references_;
};

TEST(BlockPool, BehavesAsTheObviousModel) {
  testing::for_each_seed(200, [](testing::Random& random) {
    const std::uint32_t num_blocks = testing::pick(random, 2, 20);
    BlockPool pool(num_blocks);
    ObviousPool model(num_blocks);
    for (int step = 0; step < 500; ++step) {
      const BlockId block{testing::pick(random, 1, num_blocks - 1)};
      switch (testing::pick(random, 0, 3)) {
        case 0:
          ASSERT_EQ(pool.allocate(), model.allocate());
          break;
        case 1:
          pool.touch(block);
          model.touch(block);
          break;
        default:
          if (model.references(block) == 0) break;
          pool.release(block);
          model.release(block);
      }
      ASSERT_EQ(pool.num_free(), model.num_free());
      ASSERT_EQ(pool.references(block), model.references(block));
      ASSERT_EQ(pool.is_free(block), model.references(block) == 0);
    }
  });
}

}  // namespace
}  // namespace nacelle::engine
