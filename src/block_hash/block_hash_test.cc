#include "block_hash/block_hash.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <numeric>
#include <sstream>

#include "base/file.h"

namespace nacelle::block_hash {
namespace {

std::vector<TokenId> ids(TokenId first, TokenId last) {
  std::vector<TokenId> tokens(static_cast<std::size_t>(last - first + 1));
  std::iota(tokens.begin(), tokens.end(), first);
  return tokens;
}

// The vectors of engine.md section 23.
struct SheetRow {
  HashAlgorithm algorithm;
  const char* seed;
  const char* root;
  const char* block1;
  const char* block2;
  std::uint64_t low64;
};

constexpr SheetRow kSheet[] = {
    {HashAlgorithm::kSha256, "0",
     "1973e23848344dc43a988a9b478663803cfffe1243480253f9a3cf004b14aa7c",
     "bea72b7d33de03c1aa715efbb492d0e0d3801f00c1f985756896072ae8b31325",
     "2744667f6645310ff670b0c5d7c64987ffa5940de5a549f17d92dcbb5b559e31", 7536218907325174565u},
    {HashAlgorithm::kSha256, "42",
     "c0bc02c9fc92a4944335649961b9e55cc41b194bece4801e8c6ef0f0f3f5884a",
     "ab60b49ca9a9b0887663de625c0580e1181278ecf8db8f2c3e914f537a14a904",
     "79686caeea1e89aa2e96cc765ee13f51a334810c9da45044b4c7b53bce78f5b1", 4508471921923631364u},
    {HashAlgorithm::kSha256Cbor, "0",
     "4e1195df020de59e0d65a33a4279f1183e7ae4e5d980e309f8b55adff2e61c3e",
     "202da172482d928bbc42ab25b0151e2b895f13f41002e27b2ceabcfae6d332ea",
     "4a0a393805c6d2f0ed831000d41bb65980336c4c04895d5e26470bbec927f5bf", 3236607068019569386u},
    {HashAlgorithm::kSha256Cbor, "42",
     "9fa6eb003f14425eb9c8e6baacfbcaab26257357b829c7bfa74ffcc4f31c1780",
     "476e88fb0c175c0b4ef0343e158b5157c2ac537d37d97830e235fcc84bc5706d",
     "9c89b9f2af12de95c90eb76195371e73760b4df4aa7617587856ae50e4ba5af8", 16300212363532267629u},
};

TEST(BlockHash, ChainsOfTheSheet) {
  for (const SheetRow& row : kSheet) {
    BlockHasher hasher(row.algorithm, row.seed);
    EXPECT_EQ(hasher.root().to_hex(), row.root);
    const BlockHash first = hasher.hash(hasher.root(), ids(1, 16), {});
    EXPECT_EQ(first.to_hex(), row.block1);
    EXPECT_EQ(first.low64(), row.low64);
    EXPECT_EQ(hasher.hash(first, ids(17, 32), {}).to_hex(), row.block2);
  }
}

TEST(BlockHash, ExtraKeysAndRealTokensOfTheSheet) {
  const std::vector<TokenId> chat = {128000, 128006, 882,    128007, 271,    9906, 11,    1917,
                                     0,      128009, 128006, 78191,  128007, 271,  15339, 0};
  BlockHasher pickle(HashAlgorithm::kSha256, "0");
  EXPECT_EQ(pickle.hash(pickle.root(), ids(1, 16), {"lora-a"}).to_hex(),
            "31f87a6eb01b72218d7c47e7f6763579df1ea8e83a4ade9d04873dd07beef83f");
  EXPECT_EQ(pickle.hash(pickle.root(), chat, {}).to_hex(),
            "455cf90d4c3dac806f8ab1ca2ddf2c1dede9d82457221760bab6e82529ad8821");
  BlockHasher cbor(HashAlgorithm::kSha256Cbor, "0");
  EXPECT_EQ(cbor.hash(cbor.root(), ids(1, 16), {"lora-a"}).to_hex(),
            "299bba42a4abf75c4002c66cf42b9bff3bdcf5452cdc6826e01a1ca3ec1218ea");
  EXPECT_EQ(cbor.hash(cbor.root(), chat, {}).to_hex(),
            "3c2c5bfb1cc09405679a2928dba29f610a43bfd8c1ddd28aafbe6953aea60ef3");
}

std::vector<std::string> split(const std::string& text, char separator) {
  std::vector<std::string> parts;
  std::istringstream stream(text);
  for (std::string part; std::getline(stream, part, separator);) parts.push_back(part);
  return parts;
}

HashAlgorithm algorithm_named(const std::string& name) {
  if (name == "sha256") return HashAlgorithm::kSha256;
  if (name == "sha256_cbor") return HashAlgorithm::kSha256Cbor;
  if (name == "xxhash") return HashAlgorithm::kXxhash;
  EXPECT_EQ(name, "xxhash_cbor");
  return HashAlgorithm::kXxhashCbor;
}

// tools/goldens/engine_block_hashes.py computed these with CPython's own pickle.
TEST(BlockHash, GoldenFile) {
  auto text = read_file(NACELLE_TESTDATA "/engine/block_hashes.txt");
  ASSERT_TRUE(text.ok()) << text.error().to_string();
  int rows = 0;
  for (const std::string& line : split(*text, '\n')) {
    if (line.starts_with('#')) continue;
    SCOPED_TRACE(line.substr(0, 60));
    std::istringstream fields(line);
    std::string name, seed, bar, extra_text, tokens_text, root, first, child;
    fields >> name >> seed >> bar >> extra_text >> bar >> tokens_text >> bar >> root >> first >>
        child;
    std::ranges::replace(seed, '_', ' ');
    ExtraKeys extra;
    if (extra_text != "-") extra = split(extra_text, ',');
    std::vector<TokenId> tokens;
    for (const std::string& token : split(tokens_text, ',')) tokens.push_back(std::stoi(token));

    BlockHasher hasher(algorithm_named(name), seed);
    EXPECT_EQ(hasher.root().to_hex(), root);
    const BlockHash hash = hasher.hash(hasher.root(), tokens, extra);
    EXPECT_EQ(hash.to_hex(), first);
    EXPECT_EQ(hasher.hash(hash, tokens, {}).to_hex(), child);
    ++rows;
  }
  EXPECT_EQ(rows, 144);
}

TEST(BlockHash, RootMayBeAnyBytes) {
  BlockHash root{.size = 32};
  root.bytes.fill(7);
  BlockHasher a(HashAlgorithm::kXxhash, root);
  EXPECT_EQ(a.root(), root);
  EXPECT_EQ(a.hash(root, ids(1, 16), {}).size, 16);
  BlockHasher b(HashAlgorithm::kXxhash, "0");
  EXPECT_NE(a.hash(a.root(), ids(1, 16), {}), b.hash(b.root(), ids(1, 16), {}));
}

}  // namespace
}  // namespace nacelle::block_hash
