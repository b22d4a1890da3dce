// property.h: runs a randomised test over many seeds and names the one that fails.
//
// NACELLE_TEST_SEED=<seed> in the environment runs just that one.
#pragma once

#include <gtest/gtest.h>

#include <cstdint>
#include <cstdlib>
#include <random>
#include <string>

namespace nacelle::engine::testing {

using Random = std::mt19937_64;

// Uniform in [low, high].
inline std::uint32_t pick(Random& random, std::uint32_t low, std::uint32_t high) {
  return low + static_cast<std::uint32_t>(random() % (std::uint64_t{high} - low + 1));
}
inline bool chance(Random& random, double probability) {
  return static_cast<double>(random() >> 11) * 0x1p-53 < probability;
}

template <class Test>
void for_each_seed(std::uint64_t count, Test test) {
  std::uint64_t first = 1;
  if (const char* seed = std::getenv("NACELLE_TEST_SEED")) {
    first = std::stoull(seed);
    count = 1;
  }
  for (std::uint64_t seed = first; seed < first + count; ++seed) {
    SCOPED_TRACE("NACELLE_TEST_SEED=" + std::to_string(seed));
    Random random(seed);
    test(random);
    if (::testing::Test::HasFailure()) return;
  }
}

}  // namespace nacelle::engine::testing
