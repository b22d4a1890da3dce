#include "kernels/gemm/transpose.h"

#include <gtest/gtest.h>

#include <cstring>
#include <random>
#include <vector>

namespace nacelle::kernels {
namespace {

// Every number of rows up to a panel's, every remainder of a block, rows at odd addresses; words
// that the copy does not own keep their value.
template <class Word>
void compare_with_a_loop() {
  std::mt19937 random(1);
  constexpr std::size_t kWidth = 32;
  for (std::size_t num_rows = 0; num_rows <= kWidth; ++num_rows) {
    for (const std::size_t steps : {std::size_t{0}, std::size_t{1}, std::size_t{7}, std::size_t{16},
                                    std::size_t{129}, 250 + num_rows}) {
      std::vector<std::byte> source(num_rows * (steps * sizeof(Word) + 1) + 1);
      for (std::byte& byte : source) byte = static_cast<std::byte>(random());
      std::vector<const std::byte*> rows;
      for (std::size_t j = 0; j < num_rows; ++j) {
        rows.push_back(source.data() + j * (steps * sizeof(Word) + 1));
      }
      std::vector<Word> expected(steps * kWidth, Word{0x5a5a}), got = expected;
      for (std::size_t step = 0; step < steps; ++step) {
        for (std::size_t j = 0; j < num_rows; ++j) {
          std::memcpy(&expected[step * kWidth + j], rows[j] + step * sizeof(Word), sizeof(Word));
        }
      }
      transpose_words(rows, steps, kWidth, got.data());
      ASSERT_EQ(got, expected) << num_rows << " rows, " << steps << " steps";
    }
  }
}

TEST(Transpose, WordsOfFourBytes) { compare_with_a_loop<std::uint32_t>(); }
TEST(Transpose, WordsOfTwoBytes) { compare_with_a_loop<std::uint16_t>(); }

}  // namespace
}  // namespace nacelle::kernels
