// request_keys.h: the block keys of llm-d's endpoint picker, over the tokens of a prompt.
//
//   cbor-fnv   h(i) = FNV-1a 64 of canonical CBOR [h(i-1), tokens, extra]; the chain starts at the
//              FNV-1a of the seed, then takes the model in as [start, null, model]
//   xxh64      h(i) = xxhash64(LE64 h(i-1), LE32 tokens, per extra LE64 length and bytes); the chain
//              starts at xxhash64(seed), then takes the model in as a block with one extra, no token
//
// They need nothing of the engine but its tokens, so engines with seeds of their own, or none, map
// to the same keys. Only full blocks have a key.
//
// Home:    pure; a RequestKeyHasher reuses a buffer and belongs to one thread.
// Source:  router.md section 11.4 and Annex A (check values).
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "base/token.h"
#include "block_hash/hash_encoding.h"

namespace nacelle::block_hash {

enum class RequestKeyAlgorithm : std::uint8_t { kCborFnv, kXxh64 };

[[nodiscard]] constexpr std::optional<RequestKeyAlgorithm> parse_request_key_algorithm(
    std::string_view name) {
  if (name == "cbor-fnv") return RequestKeyAlgorithm::kCborFnv;
  if (name == "xxh64") return RequestKeyAlgorithm::kXxh64;
  return std::nullopt;
}

class RequestKeyHasher {
 public:
  RequestKeyHasher(RequestKeyAlgorithm algorithm, std::string_view seed);

  // What the first block of this model's prompts has as its parent.
  [[nodiscard]] std::uint64_t root(std::string_view model);
  // `extra`: hashes of multimodal items, or the cache salt (first block only).
  [[nodiscard]] std::uint64_t hash(std::uint64_t parent, std::span<const TokenId> tokens,
                                   const ExtraKeys& extra);

  [[nodiscard]] std::uint64_t start() const { return start_; }

 private:
  RequestKeyAlgorithm algorithm_;
  std::uint64_t start_;
  std::vector<std::uint8_t> buffer_;
};

}  // namespace nacelle::block_hash
