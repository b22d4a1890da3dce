#include "router/prefix_hash.h"

#include <gtest/gtest.h>

#include <numeric>
#include <string>

namespace nacelle::router {
namespace {

// router.md Annex A: tokens 1..32, block size 16, model "m", no salt.
TEST(PrefixHash, EqualsTheCheckValues) {
  std::vector<std::uint32_t> tokens(32);
  std::iota(tokens.begin(), tokens.end(), 1u);
  EXPECT_EQ(prefix_seed("m", ""), 0xba2e567083a2b2e8u);
  std::vector<std::uint64_t> hashes;
  append_prefix_hashes(prefix_seed("m", ""), tokens, {16, 2048}, hashes);
  EXPECT_EQ(hashes, (std::vector<std::uint64_t>{0xa4173e7ed9159bc8u, 0x6bb0a3a4c5875d6eu}));
}

TEST(PrefixHash, TextIsPackedFourBytesPerToken) {
  // "hello wo" -> [1819043176, 1870078063], "abc" -> [6513249] (Annex A).
  const std::vector<std::uint32_t> tokens = {1819043176u, 1870078063u, 6513249u};
  std::vector<std::uint64_t> from_tokens, from_text;
  append_prefix_hashes(7, tokens, {2, 2048}, from_tokens);
  append_text_prefix_hashes(7, "hello woabc", {2, 2048}, from_text);
  EXPECT_EQ(from_text, from_tokens);
  EXPECT_EQ(estimated_tokens("hello woabc"), 3u);
}

TEST(PrefixHash, SharesExactlyTheCommonBlocks) {
  std::string a(64 * 4 * 5, 'a'), b = a;
  b[64 * 4 * 3] = 'b';
  std::vector<std::uint64_t> ha, hb;
  append_text_prefix_hashes(1, a, {}, ha);
  append_text_prefix_hashes(1, b, {}, hb);
  ASSERT_EQ(ha.size(), 5u);
  for (std::size_t i = 0; i < 5; ++i) EXPECT_EQ(ha[i] == hb[i], i < 3) << i;
}

TEST(PrefixHash, StopsAtTheBound) {
  std::vector<std::uint64_t> hashes;
  append_text_prefix_hashes(1, std::string(1 << 20, 'x'), {64, 100}, hashes);
  EXPECT_EQ(hashes.size(), 100u);
}

}  // namespace
}  // namespace nacelle::router
