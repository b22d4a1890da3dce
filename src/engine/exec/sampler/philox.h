// philox.h: random words as a pure function of (key, counter).
//
// A counter-based generator has no state to save: the words of a sequence's n-th output are the
// same in any batch, after any preemption, and on the engine that resumes the sequence.
//
// Source:  Salmon et al., "Parallel Random Numbers: As Easy as 1, 2, 3" (2011): Philox4x32-10.
#pragma once

#include <array>
#include <cstdint>

namespace nacelle::engine {

struct Philox {
  static constexpr std::uint32_t kMultiplier0 = 0xD2511F53, kMultiplier1 = 0xCD9E8D57;
  static constexpr std::uint32_t kWeyl0 = 0x9E3779B9, kWeyl1 = 0xBB67AE85;
  static constexpr int kRounds = 10;

  [[nodiscard]] static std::array<std::uint32_t, 4> words(std::array<std::uint32_t, 4> counter,
                                                          std::array<std::uint32_t, 2> key) {
    for (int round = 0; round < kRounds; ++round) {
      const std::uint64_t product0 = std::uint64_t{kMultiplier0} * counter[0];
      const std::uint64_t product1 = std::uint64_t{kMultiplier1} * counter[2];
      counter = {static_cast<std::uint32_t>(product1 >> 32) ^ counter[1] ^ key[0],
                 static_cast<std::uint32_t>(product1),
                 static_cast<std::uint32_t>(product0 >> 32) ^ counter[3] ^ key[1],
                 static_cast<std::uint32_t>(product0)};
      key[0] += kWeyl0;
      key[1] += kWeyl1;
    }
    return counter;
  }
};

}  // namespace nacelle::engine
