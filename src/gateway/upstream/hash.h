// hash.h: a 64-bit hash that is the same in every process: rings and sessions outlive one.
//
// Home:    pure; any thread.
#pragma once

#include <cstdint>
#include <string_view>

namespace nacelle::gateway {

[[nodiscard]] constexpr std::uint64_t mix_bits(std::uint64_t x) {  // SplitMix64's finaliser
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
  x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
  return x ^ (x >> 31);
}

[[nodiscard]] constexpr std::uint64_t stable_hash(std::string_view text, std::uint64_t seed = 0) {
  std::uint64_t hash = 0xcbf29ce484222325u ^ mix_bits(seed);
  for (const char c : text) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3u;
  return mix_bits(hash);
}

}  // namespace nacelle::gateway
