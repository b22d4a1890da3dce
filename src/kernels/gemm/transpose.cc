#include "kernels/gemm/transpose.h"

#include <algorithm>
#include <cstring>

namespace nacelle::kernels {
namespace {

// Steps that are filled for all columns before the next ones: the target of a block stays in the
// first-level cache, and a source row is read in runs that the prefetcher follows.
constexpr std::size_t kBlockSteps = 128;

using Vector32 [[gnu::vector_size(16)]] = std::uint32_t;
using Vector16 [[gnu::vector_size(16)]] = std::uint16_t;

template <class Vector>
Vector load(const std::byte* source) {
  Vector value;
  std::memcpy(&value, source, sizeof value);
  return value;
}

template <class Word, class Vector>
void store(Word* target, Vector value) {
  std::memcpy(target, &value, sizeof value);
}

// 4 rows x 4 words, from byte `offset` of each row.
void transpose_square(const std::byte* const* rows, std::size_t offset, std::size_t width,
                      std::uint32_t* target) {
  const auto a = load<Vector32>(rows[0] + offset), b = load<Vector32>(rows[1] + offset);
  const auto c = load<Vector32>(rows[2] + offset), d = load<Vector32>(rows[3] + offset);
  const Vector32 ab01 = __builtin_shufflevector(a, b, 0, 4, 1, 5);
  const Vector32 ab23 = __builtin_shufflevector(a, b, 2, 6, 3, 7);
  const Vector32 cd01 = __builtin_shufflevector(c, d, 0, 4, 1, 5);
  const Vector32 cd23 = __builtin_shufflevector(c, d, 2, 6, 3, 7);
  store(target, __builtin_shufflevector(ab01, cd01, 0, 1, 4, 5));
  store(target + width, __builtin_shufflevector(ab01, cd01, 2, 3, 6, 7));
  store(target + 2 * width, __builtin_shufflevector(ab23, cd23, 0, 1, 4, 5));
  store(target + 3 * width, __builtin_shufflevector(ab23, cd23, 2, 3, 6, 7));
}

// 8 rows x 8 words: pairs of neighbouring rows first, then pairs of pairs, then halves.
void transpose_square(const std::byte* const* rows, std::size_t offset, std::size_t width,
                      std::uint16_t* target) {
  Vector16 in[8], pairs[8], quads[8];
  for (std::size_t i = 0; i < 8; ++i) in[i] = load<Vector16>(rows[i] + offset);
  for (std::size_t i = 0; i < 8; i += 2) {
    pairs[i] = __builtin_shufflevector(in[i], in[i + 1], 0, 8, 1, 9, 2, 10, 3, 11);
    pairs[i + 1] = __builtin_shufflevector(in[i], in[i + 1], 4, 12, 5, 13, 6, 14, 7, 15);
  }
  for (std::size_t i = 0; i < 8; i += 4) {
    for (std::size_t half = 0; half < 2; ++half) {  // words 0..3, words 4..7
      const Vector16 first = pairs[i + half], second = pairs[i + 2 + half];
      quads[i + 2 * half] = __builtin_shufflevector(first, second, 0, 1, 8, 9, 2, 3, 10, 11);
      quads[i + 2 * half + 1] = __builtin_shufflevector(first, second, 4, 5, 12, 13, 6, 7, 14, 15);
    }
  }
  for (std::size_t i = 0; i < 4; ++i) {
    const Vector16 low = quads[i], high = quads[i + 4];
    store(target + 2 * i * width, __builtin_shufflevector(low, high, 0, 1, 2, 3, 8, 9, 10, 11));
    store(target + (2 * i + 1) * width,
          __builtin_shufflevector(low, high, 4, 5, 6, 7, 12, 13, 14, 15));
  }
}

template <class Word>
void transpose_one(const std::byte* row, std::size_t begin, std::size_t end, std::size_t width,
                   Word* target) {
  for (std::size_t step = begin; step < end; ++step) {
    std::memcpy(target + step * width, row + step * sizeof(Word), sizeof(Word));
  }
}

template <class Word>
void transpose(std::span<const std::byte* const> rows, std::size_t num_steps, std::size_t width,
               Word* target) {
  constexpr std::size_t kSide = 16 / sizeof(Word);
  for (std::size_t begin = 0; begin < num_steps; begin += kBlockSteps) {
    const std::size_t end = std::min(num_steps, begin + kBlockSteps);
    const std::size_t squares_end = begin + (end - begin) / kSide * kSide;
    std::size_t column = 0;
    for (; column + kSide <= rows.size(); column += kSide) {
      for (std::size_t step = begin; step < squares_end; step += kSide) {
        transpose_square(rows.data() + column, step * sizeof(Word), width,
                         target + step * width + column);
      }
      for (std::size_t j = column; j < column + kSide; ++j) {
        transpose_one(rows[j], squares_end, end, width, target + j);
      }
    }
    for (; column < rows.size(); ++column) {
      transpose_one(rows[column], begin, end, width, target + column);
    }
  }
}

}  // namespace

void transpose_words(std::span<const std::byte* const> rows, std::size_t num_steps,
                     std::size_t width, std::uint32_t* target) {
  transpose(rows, num_steps, width, target);
}

void transpose_words(std::span<const std::byte* const> rows, std::size_t num_steps,
                     std::size_t width, std::uint16_t* target) {
  transpose(rows, num_steps, width, target);
}

}  // namespace nacelle::kernels
