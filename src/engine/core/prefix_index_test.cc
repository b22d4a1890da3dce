#include "engine/core/prefix_index.h"

#include <gtest/gtest.h>

#include <map>

#include "engine/core/testing/property.h"

namespace nacelle::engine {
namespace {

BlockHash hash_of(std::uint8_t name) {
  BlockHash hash{.size = 32};
  hash.bytes.fill(name);
  return hash;
}

TEST(PrefixIndex, FindsWhatWasInsertedUntilItIsErased) {
  PrefixIndex index(8, 2);
  const std::vector<TokenId> tokens = {1, 2};
  EXPECT_EQ(index.find(hash_of(1), hash_of(0), tokens), std::nullopt);
  index.insert(BlockId{3}, hash_of(1), hash_of(0), tokens);
  EXPECT_EQ(index.find(hash_of(1), hash_of(0), tokens), BlockId{3});
  ASSERT_NE(index.hash_of(BlockId{3}), nullptr);
  EXPECT_EQ(*index.hash_of(BlockId{3}), hash_of(1));
  index.erase(BlockId{3});
  index.erase(BlockId{3});
  EXPECT_EQ(index.hash_of(BlockId{3}), nullptr);
  EXPECT_EQ(index.find(hash_of(1), hash_of(0), tokens), std::nullopt);
}

TEST(PrefixIndex, TwoBlocksMayHoldTheSameContent) {
  PrefixIndex index(8, 2);
  const std::vector<TokenId> tokens = {1, 2};
  index.insert(BlockId{3}, hash_of(1), hash_of(0), tokens);
  index.insert(BlockId{5}, hash_of(1), hash_of(0), tokens);
  EXPECT_EQ(index.size(), 2u);
  index.erase(*index.find(hash_of(1), hash_of(0), tokens));
  EXPECT_TRUE(index.contains(hash_of(1)));
  EXPECT_NE(index.find(hash_of(1), hash_of(0), tokens), std::nullopt);
  index.erase(*index.find(hash_of(1), hash_of(0), tokens));
  EXPECT_FALSE(index.contains(hash_of(1)));
}

TEST(PrefixIndex, EqualHashesOfDifferentContentAreNoHit) {
  PrefixIndex index(8, 2);
  index.insert(BlockId{3}, hash_of(1), hash_of(0), std::vector<TokenId>{1, 2});
  EXPECT_EQ(index.find(hash_of(1), hash_of(0), std::vector<TokenId>{1, 3}), std::nullopt);
  EXPECT_EQ(index.find(hash_of(1), hash_of(9), std::vector<TokenId>{1, 2}), std::nullopt);
}

TEST(PrefixIndex, BehavesAsTheObviousModel) {
  testing::for_each_seed(100, [](testing::Random& random) {
    constexpr std::uint32_t kBlocks = 12;
    PrefixIndex index(kBlocks, 1);
    struct Content {
      std::uint8_t hash, parent;
      TokenId token;
      bool operator==(const Content&) const = default;
    };
    std::map<std::uint32_t, Content> model;
    for (int step = 0; step < 600; ++step) {
      const std::uint32_t block = testing::pick(random, 1, kBlocks - 1);
      const Content content{static_cast<std::uint8_t>(testing::pick(random, 1, 5)),
                            static_cast<std::uint8_t>(testing::pick(random, 0, 1)),
                            static_cast<TokenId>(testing::pick(random, 0, 2))};
      const std::vector<TokenId> tokens = {content.token};
      switch (testing::pick(random, 0, 2)) {
        case 0:
          if (model.contains(block)) break;
          index.insert(BlockId{block}, hash_of(content.hash), hash_of(content.parent), tokens);
          model[block] = content;
          break;
        case 1:
          index.erase(BlockId{block});
          model.erase(block);
          break;
        default:
          if (testing::chance(random, 0.02)) {
            index.clear();
            model.clear();
          }
      }
      ASSERT_EQ(index.size(), model.size());
      const auto found = index.find(hash_of(content.hash), hash_of(content.parent), tokens);
      bool exists = false, same_hash = false;
      for (const auto& [id, held] : model) {
        exists |= held == content;
        same_hash |= held.hash == content.hash;
      }
      ASSERT_EQ(found.has_value(), exists);
      if (found) {
        ASSERT_EQ(model.at(found->value), content);
      }
      ASSERT_EQ(index.contains(hash_of(content.hash)), same_hash);
      ASSERT_EQ(index.hash_of(BlockId{block}) != nullptr, model.contains(block));
    }
  });
}

}  // namespace
}  // namespace nacelle::engine
