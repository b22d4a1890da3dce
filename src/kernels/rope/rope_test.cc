#include "kernels/rope/rope.h"

#include <gtest/gtest.h>

#include <cmath>
#include <vector>

namespace nacelle::kernels {
namespace {

TEST(Rope, EverySetRotatesPairsByTheTable) {
  WorkerPool pool(2);
  for (const std::size_t half : {1, 3, 8, 16, 20, 32, 64}) {
    const std::size_t head_dim = 2 * half + 5;  // partial rotary: 5 elements stay
    constexpr std::size_t kRows = 37, kHeads = 3, kPositions = 50;
    std::vector<float> cos(kPositions * half), sin(kPositions * half);
    for (std::size_t i = 0; i < cos.size(); ++i) {
      cos[i] = std::cos(static_cast<float>(i));
      sin[i] = std::sin(static_cast<float>(i));
    }
    const std::size_t stride = kHeads * head_dim + 2;
    std::vector<float> start(kRows * stride);
    for (std::size_t i = 0; i < start.size(); ++i) start[i] = std::sin(static_cast<float>(3 * i));
    std::vector<std::uint32_t> positions(kRows);
    for (std::size_t i = 0; i < kRows; ++i) positions[i] = static_cast<std::uint32_t>(i * 7 % 50);

    for (const Isa isa : supported_isas()) {
      SCOPED_TRACE(fmt::format("{} half {}", to_string(isa), half));
      std::vector<float> expected = start;
      for (std::size_t row = 0; row < kRows; ++row) {
        for (std::size_t head = 0; head < kHeads; ++head) {
          for (std::size_t i = 0; i < half; ++i) {
            const std::size_t at = row * stride + head * head_dim + i;
            const float c = cos[positions[row] * half + i];
            const float s = sin[positions[row] * half + i];
            expected[at] = start[at] * c - start[at + half] * s;
            expected[at + half] = start[at + half] * c + start[at] * s;
          }
        }
      }
      std::vector<float> values = start;
      rope({pool, isa}, {values.data(), kRows, kHeads, head_dim, stride}, positions,
           {cos.data(), sin.data(), kPositions, half});
      EXPECT_EQ(values, expected);
    }
  }
}

}  // namespace
}  // namespace nacelle::kernels
