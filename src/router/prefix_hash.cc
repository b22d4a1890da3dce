#include "router/prefix_hash.h"

#include <xxhash.h>

#include <algorithm>
#include <bit>
#include <cstring>
#include <string>

namespace nacelle::router {
namespace {

static_assert(std::endian::native == std::endian::little,
              "tokens are hashed as little-endian words");

std::uint64_t chain(std::uint64_t block, std::uint64_t previous) {
  const std::uint64_t pair[2] = {block, previous};
  return XXH64(pair, sizeof pair, 0);
}

}  // namespace

std::uint64_t prefix_seed(std::string_view model, std::string_view cache_salt) {
  std::string text;
  text.reserve(model.size() + cache_salt.size());
  text.append(model).append(cache_salt);
  return XXH64(text.data(), text.size(), 0);
}

void append_prefix_hashes(std::uint64_t seed, std::span<const std::uint32_t> tokens,
                          const PrefixHashOptions& options, std::vector<std::uint64_t>& out) {
  std::uint64_t hash = seed;
  for (std::size_t block = 0; block < options.max_blocks && !tokens.empty(); ++block) {
    const std::size_t count = std::min<std::size_t>(options.block_size_tokens, tokens.size());
    hash = chain(XXH64(tokens.data(), count * sizeof(std::uint32_t), 0), hash);
    out.push_back(hash);
    tokens = tokens.subspan(count);
  }
}

void append_text_prefix_hashes(std::uint64_t seed, std::string_view text,
                               const PrefixHashOptions& options, std::vector<std::uint64_t>& out) {
  const std::size_t block_bytes = std::size_t{options.block_size_tokens} * 4;
  std::uint64_t hash = seed;
  for (std::size_t block = 0; block < options.max_blocks && !text.empty(); ++block) {
    const std::size_t bytes = std::min(block_bytes, text.size());
    if (bytes % 4 == 0) {
      hash = chain(XXH64(text.data(), bytes, 0), hash);
    } else {
      thread_local std::string padded;  // one last block a prompt: its memory is kept
      padded.assign(text.substr(0, bytes));
      padded.resize((bytes + 3) / 4 * 4, '\0');
      hash = chain(XXH64(padded.data(), padded.size(), 0), hash);
    }
    out.push_back(hash);
    text.remove_prefix(bytes);
  }
}

}  // namespace nacelle::router
