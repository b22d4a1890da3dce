#include "block_hash/request_keys.h"

#include <gtest/gtest.h>

#include <numeric>

namespace nacelle::block_hash {
namespace {

std::vector<TokenId> ids(TokenId first, TokenId last) {
  std::vector<TokenId> tokens(static_cast<std::size_t>(last - first + 1));
  std::iota(tokens.begin(), tokens.end(), first);
  return tokens;
}

// router.md Annex A: tokens 1..32, block size 16, model "m".
TEST(RequestKeys, CborFnvOfTheSheet) {
  RequestKeyHasher hasher(RequestKeyAlgorithm::kCborFnv, "");
  EXPECT_EQ(hasher.start(), 0xcbf29ce484222325u);
  const std::uint64_t root = hasher.root("m");
  EXPECT_EQ(root, 0x9ddb2db69f3f452cu);
  const std::uint64_t first = hasher.hash(root, ids(1, 16), {});
  EXPECT_EQ(first, 0xfccf55888d5ee3d5u);
  EXPECT_EQ(hasher.hash(first, ids(17, 32), {}), 0x1f279613e611c44au);
  EXPECT_EQ(hasher.hash(root, ids(1, 16), {"abc"}), 0x99b15164aabd8c52u);
}

TEST(RequestKeys, CborFnvWithASeed) {
  RequestKeyHasher hasher(RequestKeyAlgorithm::kCborFnv, "42");
  EXPECT_EQ(hasher.start(), 0x07ee7e07b4b19223u);
  EXPECT_EQ(hasher.hash(hasher.root("m"), ids(1, 16), {}), 0x923b8e59683f3f17u);
}

TEST(RequestKeys, Xxh64OfTheSheet) {
  RequestKeyHasher hasher(RequestKeyAlgorithm::kXxh64, "");
  const std::uint64_t root = hasher.root("m");
  EXPECT_EQ(root, 0xc90cbf5421a4994bu);
  const std::uint64_t first = hasher.hash(root, ids(1, 16), {});
  EXPECT_EQ(first, 0xd51460f1ea958847u);
  EXPECT_EQ(hasher.hash(first, ids(17, 32), {}), 0xece47350a160b095u);
}

TEST(RequestKeys, NamesOfAlgorithms) {
  EXPECT_EQ(parse_request_key_algorithm("cbor-fnv"), RequestKeyAlgorithm::kCborFnv);
  EXPECT_EQ(parse_request_key_algorithm("xxh64"), RequestKeyAlgorithm::kXxh64);
  EXPECT_FALSE(parse_request_key_algorithm("fnv"));
}

}  // namespace
}  // namespace nacelle::block_hash
