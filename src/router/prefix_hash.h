// prefix_hash.h: chained block hashes of a prompt for the approximate prefix index.
//
// h0 = xxhash64(model + cache salt); per block b = xxhash64(tokens as LE uint32), h = xxhash64(b, h
// before). The last partial block is included. Without a tokenizer a "token" is four bytes of text,
// little-endian, zero padded. Source: router.md section 10 and its check values in Annex A.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

namespace nacelle::router {

struct PrefixHashOptions {
  std::uint32_t block_size_tokens = 64;
  std::uint32_t max_blocks = 2048;
};

[[nodiscard]] std::uint64_t prefix_seed(std::string_view model, std::string_view cache_salt);

// Appends the chain over `tokens` to `out`.
void append_prefix_hashes(std::uint64_t seed, std::span<const std::uint32_t> tokens,
                          const PrefixHashOptions& options, std::vector<std::uint64_t>& out);

// The same over text packed four bytes per token, without materialising the tokens.
void append_text_prefix_hashes(std::uint64_t seed, std::string_view text,
                               const PrefixHashOptions& options, std::vector<std::uint64_t>& out);

[[nodiscard]] inline std::uint64_t estimated_tokens(std::string_view text) {
  return (text.size() + 3) / 4;
}

}  // namespace nacelle::router
