#include "engine/core/kv_cache.h"

#include <gtest/gtest.h>

#include <numeric>

namespace nacelle::engine {
namespace {

constexpr std::uint32_t kBlockSize = 4;

KvCache make_cache(std::uint32_t num_blocks, bool record_events = false) {
  return KvCache(
      {.num_blocks = num_blocks, .block_size = kBlockSize, .record_events = record_events},
      BlockHasher(HashAlgorithm::kSha256Cbor, "0"));
}

Sequence make_sequence(std::uint32_t num_tokens, TokenId first = 1) {
  Sequence sequence;
  sequence.tokens.resize(num_tokens);
  std::iota(sequence.tokens.begin(), sequence.tokens.end(), first);
  sequence.num_prompt_tokens = num_tokens;
  return sequence;
}

std::vector<BlockId> prefix_of(KvCache& cache, Sequence& sequence) {
  std::vector<BlockId> hit;
  cache.find_prefix(sequence, hit);
  return hit;
}

std::vector<std::uint32_t> blocks_of(const Sequence& sequence) {
  return {sequence.blocks.raw().begin(), sequence.blocks.raw().end()};
}

TEST(KvCache, SecondSequenceSharesTheFullBlocksOfTheFirst) {
  KvCache cache = make_cache(10);
  Sequence a = make_sequence(10), b = make_sequence(10);
  ASSERT_TRUE(cache.allocate(a, {}, 10));
  EXPECT_EQ(blocks_of(a), (std::vector<std::uint32_t>{1, 2, 3}));
  ASSERT_TRUE(cache.allocate(b, prefix_of(cache, b), 2));
  EXPECT_EQ(blocks_of(b), (std::vector<std::uint32_t>{1, 2, 4}));
  EXPECT_EQ(b.num_computed, 8u);
  EXPECT_EQ(cache.pool().references(BlockId{1}), 2u);
}

TEST(KvCache, OneTokenIsAlwaysComputed) {
  KvCache cache = make_cache(10);
  Sequence a = make_sequence(8), b = make_sequence(8), c = make_sequence(9);
  ASSERT_TRUE(cache.allocate(a, {}, 8));
  EXPECT_EQ(prefix_of(cache, b).size(), 1u);
  EXPECT_EQ(prefix_of(cache, c).size(), 2u);
}

TEST(KvCache, FreedPrefixIsAHitUntilItsBlocksAreReusedDeepestFirst) {
  KvCache cache = make_cache(4);
  Sequence a = make_sequence(12), same = make_sequence(13), other = make_sequence(4, 100);
  ASSERT_TRUE(cache.allocate(a, {}, 12));
  cache.release(a);
  EXPECT_EQ(prefix_of(cache, same).size(), 3u);
  ASSERT_TRUE(cache.allocate(other, {}, 4));
  EXPECT_EQ(prefix_of(cache, same).size(), 2u);  // the third block was its tail
}

TEST(KvCache, HitBlocksThatAreFreeCountAgainstTheFreeOnes) {
  KvCache cache = make_cache(4);  // three usable
  Sequence a = make_sequence(8), b = make_sequence(16);
  ASSERT_TRUE(cache.allocate(a, {}, 8));
  cache.release(a);
  const auto hit = prefix_of(cache, b);
  ASSERT_EQ(hit.size(), 2u);
  EXPECT_FALSE(cache.fits(b, hit, 16));
  EXPECT_FALSE(cache.allocate(b, hit, 8));
  EXPECT_EQ(cache.pool().num_free(), 3u);
  EXPECT_EQ(b.blocks.size(), 0u);
  EXPECT_TRUE(cache.allocate(b, hit, 4));
}

TEST(KvCache, SaltAndLoraSeparatePrefixes) {
  KvCache cache = make_cache(10);
  Sequence plain = make_sequence(9), salted = make_sequence(9), again = make_sequence(9);
  salted.first_block_keys = {"salt"};
  again.first_block_keys = {"salt"};
  ASSERT_TRUE(cache.allocate(plain, {}, 9));
  EXPECT_TRUE(prefix_of(cache, salted).empty());
  ASSERT_TRUE(cache.allocate(salted, {}, 9));
  EXPECT_EQ(prefix_of(cache, again).size(), 2u);
}

TEST(KvCache, SkippingReadersStillWrite) {
  KvCache cache = make_cache(10);
  Sequence a = make_sequence(9), b = make_sequence(9), c = make_sequence(9);
  b.reads_prefix_cache = false;
  ASSERT_TRUE(cache.allocate(a, {}, 9));
  EXPECT_TRUE(prefix_of(cache, b).empty());
  ASSERT_TRUE(cache.allocate(b, {}, 9));
  EXPECT_EQ(cache.index().size(), 4u);  // duplicates
  EXPECT_EQ(prefix_of(cache, c).size(), 2u);
}

TEST(KvCache, EventsNameWhatWasStoredAndRemoved) {
  KvCache cache = make_cache(4, true);
  Sequence a = make_sequence(8), b = make_sequence(12, 50);
  a.first_block_keys = {"salt"};
  ASSERT_TRUE(cache.allocate(a, {}, 6));
  a.num_computed = 6;
  ASSERT_TRUE(cache.allocate(a, {}, 2));
  const std::vector<CacheEvent> stored = cache.take_events();
  ASSERT_EQ(stored.size(), 2u);
  EXPECT_EQ(std::get<BlocksStored>(stored[0]),
            (BlocksStored{{a.hashes[0]}, std::nullopt, {1, 2, 3, 4}, {{"salt"}}}));
  EXPECT_EQ(std::get<BlocksStored>(stored[1]),
            (BlocksStored{{a.hashes[1]}, a.hashes[0], {5, 6, 7, 8}, {{}}}));

  cache.release(a);
  EXPECT_TRUE(cache.take_events().empty());  // still cached
  ASSERT_TRUE(cache.allocate(b, {}, 12));
  const std::vector<CacheEvent> evicted = cache.take_events();
  ASSERT_EQ(evicted.size(), 3u);
  EXPECT_EQ(std::get<BlockRemoved>(evicted[0]), BlockRemoved{a.hashes[1]});
  EXPECT_EQ(std::get<BlockRemoved>(evicted[1]), BlockRemoved{a.hashes[0]});
  EXPECT_EQ(std::get<BlocksStored>(evicted[2]).hashes.size(), 3u);

  EXPECT_FALSE(cache.reset());
  cache.release(b);
  EXPECT_TRUE(cache.reset());
  const std::vector<CacheEvent> cleared = cache.take_events();
  ASSERT_EQ(cleared.size(), 1u);
  EXPECT_TRUE(std::holds_alternative<AllBlocksCleared>(cleared[0]));
  EXPECT_TRUE(prefix_of(cache, b).empty());
}

TEST(KvCache, StoredIsReportedWithTheFirstCopyAndRemovedWithTheLast) {
  KvCache cache = make_cache(3, true);
  Sequence a = make_sequence(4), twin = make_sequence(4), x = make_sequence(4, 50),
           y = make_sequence(4, 60);
  ASSERT_TRUE(cache.allocate(a, {}, 4));
  ASSERT_TRUE(cache.allocate(twin, {}, 4));
  cache.release(a);
  cache.release(twin);
  EXPECT_EQ(cache.take_events().size(), 1u);  // the twin is a second copy
  ASSERT_TRUE(cache.allocate(x, {}, 4));
  EXPECT_EQ(cache.take_events().size(), 1u);  // x stored; a twin is left
  ASSERT_TRUE(cache.allocate(y, {}, 4));
  const auto events = cache.take_events();
  ASSERT_EQ(events.size(), 2u);
  EXPECT_EQ(std::get<BlockRemoved>(events[0]), BlockRemoved{a.hashes[0]});
}

TEST(KvCache, ForgottenBlocksAreNoHits) {
  KvCache cache = make_cache(10);
  Sequence a = make_sequence(12), b = make_sequence(13);
  ASSERT_TRUE(cache.allocate(a, {}, 12));
  cache.forget(a, 1);
  EXPECT_EQ(prefix_of(cache, b).size(), 1u);
  cache.release(a);
  EXPECT_EQ(prefix_of(cache, b).size(), 1u);
}

TEST(KvCache, SequenceWhoseBlocksWereReusedEntersItsNewOnes) {
  KvCache cache = make_cache(4);
  Sequence a = make_sequence(12), other = make_sequence(12, 50), same = make_sequence(13);
  ASSERT_TRUE(cache.allocate(a, {}, 12));
  cache.release(a);
  ASSERT_TRUE(cache.allocate(other, {}, 12));
  cache.release(other);
  ASSERT_TRUE(prefix_of(cache, a).empty());
  ASSERT_TRUE(cache.allocate(a, {}, 12));
  EXPECT_EQ(prefix_of(cache, same).size(), 3u);
}

TEST(KvCache, UsageCountsCachedFreeBlocksAsFree) {
  KvCache cache = make_cache(5);
  Sequence a = make_sequence(8);
  EXPECT_DOUBLE_EQ(cache.usage(), 0);
  ASSERT_TRUE(cache.allocate(a, {}, 8));
  EXPECT_DOUBLE_EQ(cache.usage(), 0.5);
  cache.release(a);
  EXPECT_DOUBLE_EQ(cache.usage(), 0);
}

TEST(KvCache, OffMeansNothingIsHashed) {
  KvCache cache({.num_blocks = 10, .block_size = kBlockSize, .enable_prefix_caching = false},
                BlockHasher(HashAlgorithm::kSha256Cbor, "0"));
  Sequence a = make_sequence(9), b = make_sequence(9);
  ASSERT_TRUE(cache.allocate(a, {}, 9));
  EXPECT_TRUE(a.hashes.empty());
  EXPECT_TRUE(prefix_of(cache, b).empty());
}

}  // namespace
}  // namespace nacelle::engine
