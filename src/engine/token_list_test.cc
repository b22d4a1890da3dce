#include "engine/token_list.h"

#include <gtest/gtest.h>

namespace nacelle::engine {
namespace {

TEST(TokenList, HoldsWhatAVectorHolds) {
  for (const std::size_t count : {std::size_t{0}, std::size_t{1}, TokenList::kInline,
                                  TokenList::kInline + 1, std::size_t{129}}) {
    std::vector<TokenId> expected;
    TokenList list;
    for (std::size_t i = 0; i < count; ++i) {
      expected.push_back(static_cast<TokenId>(i * 3));
      list.push_back(static_cast<TokenId>(i * 3));
    }
    EXPECT_EQ(list.size(), count);
    EXPECT_EQ(list.empty(), count == 0);
    EXPECT_TRUE(std::equal(list.begin(), list.end(), expected.begin(), expected.end()));
    EXPECT_EQ(list, TokenList(expected));
    const TokenList copy = list;
    EXPECT_EQ(copy, list);
    const TokenList moved = std::move(list);
    EXPECT_EQ(moved, copy);
    if (count > 0) {
      EXPECT_EQ(moved[count - 1], expected.back());
    }
  }
}

TEST(TokenList, FewTokensAndManyAreDifferent) {
  EXPECT_NE(TokenList({1, 2}), TokenList({1, 3}));
  EXPECT_NE(TokenList({1}), TokenList({1, 2, 3, 4, 5, 6, 7, 8}));
}

}  // namespace
}  // namespace nacelle::engine
