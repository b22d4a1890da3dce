// block_hash.h: names the content of a full KV block and of everything before it.
//
// hash(i) = H(hash(i-1), tokens of block i, extra keys); the first block's parent is the root.
// Equal to the hashes of vLLM with the same algorithm and PYTHONHASHSEED, so routers and foreign
// engines agree on them.
//
// Home:    a BlockHasher belongs to one thread (it reuses buffers); BlockHash is a value.
// Source:  engine.md section 23.
#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <cstring>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/token.h"
#include "block_hash/hash_encoding.h"
#include "block_hash/hash_algorithm.h"

namespace nacelle::block_hash {

struct BlockHash {
  std::array<std::uint8_t, 32> bytes{};
  std::uint8_t size = 0;  // 32 (SHA-256) or 16 (XXH3-128)

  [[nodiscard]] std::span<const std::uint8_t> digest() const { return {bytes.data(), size}; }
  // The last eight bytes, big-endian: the number that KV events carry.
  [[nodiscard]] std::uint64_t low64() const;
  [[nodiscard]] std::string to_hex() const;

  friend auto operator<=>(const BlockHash&, const BlockHash&) = default;
};

class BlockHasher {
 public:
  // A chain that starts at `root`, e.g. random bytes: 32 whatever the algorithm.
  BlockHasher(HashAlgorithm algorithm, const BlockHash& root);
  // A chain that starts at the hash of `seed`, as with PYTHONHASHSEED=<seed>.
  BlockHasher(HashAlgorithm algorithm, std::string_view seed);
  BlockHasher(BlockHasher&&) noexcept;
  BlockHasher& operator=(BlockHasher&&) noexcept;
  ~BlockHasher();

  [[nodiscard]] const BlockHash& root() const { return root_; }
  [[nodiscard]] BlockHash hash(const BlockHash& parent, std::span<const TokenId> tokens,
                               const ExtraKeys& extra);

 private:
  struct Digest;

  bool is_cbor() const;
  BlockHash digest_of_buffer();

  HashAlgorithm algorithm_;
  BlockHash root_;
  std::unique_ptr<Digest> digest_;
  std::vector<std::uint8_t> buffer_;
};

}  // namespace nacelle::block_hash

template <>
struct std::hash<nacelle::block_hash::BlockHash> {
  std::size_t operator()(const nacelle::block_hash::BlockHash& hash) const noexcept {
    std::size_t word;  // any eight bytes of a digest are evenly spread
    std::memcpy(&word, hash.bytes.data(), sizeof word);
    return word;
  }
};
