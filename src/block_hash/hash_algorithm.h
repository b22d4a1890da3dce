// hash_algorithm.h: how a block's hash is computed, by the names of --prefix-caching-hash-algo.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace nacelle::block_hash {

// Serialisation and digest of a block's hash. The plain names serialise as Python's pickle does.
enum class HashAlgorithm : std::uint8_t { kSha256, kSha256Cbor, kXxhash, kXxhashCbor };

inline constexpr std::string_view kHashAlgorithmNames = "sha256, sha256_cbor, xxhash, xxhash_cbor";

[[nodiscard]] constexpr std::optional<HashAlgorithm> parse_hash_algorithm(std::string_view name) {
  if (name == "sha256") return HashAlgorithm::kSha256;
  if (name == "sha256_cbor") return HashAlgorithm::kSha256Cbor;
  if (name == "xxhash") return HashAlgorithm::kXxhash;
  if (name == "xxhash_cbor") return HashAlgorithm::kXxhashCbor;
  return std::nullopt;
}

}  // namespace nacelle::block_hash
