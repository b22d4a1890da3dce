// AWQ and GPTQ weights of more than one tile in both directions, compared with one formula per
// element. The goldens prove the order of bits on small weights; this proves the loops around it.
#include <gtest/gtest.h>

#include <array>
#include <random>

#include "model/quantization/method.h"
#include "model/testing/safetensors_writer.h"
#include "model/testing/tiny_model.h"

namespace nacelle::model {
namespace {

struct Size {
  std::size_t n, k, group_size;
};
// Whole tiles, ragged ones, fewer than one.
constexpr std::array<Size, 4> kSizes = {
    Size{128, 128, 128}, {136, 288, 32}, {264, 448, 64}, {8, 32, 32}};

template <class T>
std::string bytes_of(const std::vector<T>& values) {
  return {reinterpret_cast<const char*>(values.data()), values.size() * sizeof(T)};
}

std::vector<std::int32_t> random_words(std::size_t count, std::mt19937& random) {
  std::vector<std::int32_t> out(count);
  for (std::int32_t& word : out) word = static_cast<std::int32_t>(random());
  return out;
}

int nibble(std::int32_t word, std::size_t at) {
  return static_cast<int>((static_cast<std::uint32_t>(word) >> (4 * at)) & 15);
}

class WordOrder : public ::testing::TestWithParam<Size> {
 protected:
  // Words of the file by method, and what the element (row, column) is by the formula.
  template <class Formula>
  void expect_weights(const QuantizationMethod& method, const LinearScheme& scheme,
                      const Shape& words_shape, const Formula& formula) {
    const auto [n, k, group_size] = GetParam();
    const std::size_t groups = k / group_size;
    std::mt19937 random(7);
    const auto words = random_words(n * k / 8, random);
    const auto zeros = random_words(groups * n / 8, random);
    std::vector<float> scales(groups * n);
    for (float& scale : scales) scale = static_cast<float>(random() % 1000 + 1);
    testing::SafetensorsWriter writer;
    writer.add("m.qweight", "I32", {words_shape[0], words_shape[1]}, bytes_of(words));
    writer.add("m.qzeros", "I32", {groups, n / 8}, bytes_of(zeros));
    writer.add("m.scales", "F32", {groups, n}, bytes_of(scales));
    const testing::TemporaryFolder folder;
    folder.write("model.safetensors", writer.file());
    auto store = WeightStore::open(folder.path(), pool_);
    ASSERT_TRUE(store.ok());
    const LinearRequest request{.n = n, .k = k, .dtype = DType::kF32, .pool = pool_};
    auto weight = method.read(ModuleTensors(**store, "m"), scheme, request);
    ASSERT_TRUE(weight.ok()) << weight.error().to_string();
    ASSERT_TRUE(std::holds_alternative<Int4Linear>(*weight));
    const auto dense = to_dense(std::move(*weight), DType::kF32, **store, pool_);
    ASSERT_TRUE(dense.ok());
    const std::span<const float> ours = dense->view().template as<float>();
    for (std::size_t row = 0; row < n; ++row) {
      for (std::size_t i = 0; i < k; ++i) {
        const auto [q, zero] = formula(words, zeros, row, i);
        const float expected = static_cast<float>(q - zero) * scales[i / group_size * n + row];
        ASSERT_EQ(ours[row * k + i], expected) << row << ", " << i;
      }
    }
  }

  kernels::WorkerPool pool_{2};
};

using Words = std::vector<std::int32_t>;
constexpr std::array<std::size_t, 8> kNibbleOfColumn = {0, 4, 1, 5, 2, 6, 3, 7};

TEST_P(WordOrder, Awq) {
  const auto [n, k, group_size] = GetParam();
  const auto formula = [n = n, group_size = group_size](const Words& words, const Words& zeros,
                                                        std::size_t row, std::size_t i) {
    const std::size_t at = kNibbleOfColumn[row % 8];
    return std::pair(nibble(words[i * (n / 8) + row / 8], at),
                     nibble(zeros[i / group_size * (n / 8) + row / 8], at));
  };
  expect_weights(kAwqMethod,
                 {.encoding = Encoding::kAwq,
                  .bits = 4,
                  .grain = ScaleGrain::kGroup,
                  .group_size = group_size,
                  .has_zeros = true},
                 Shape{k, n / 8}, formula);
}

TEST_P(WordOrder, Gptq) {
  const auto [n, k, group_size] = GetParam();
  const auto formula = [n = n, group_size = group_size](const Words& words, const Words& zeros,
                                                        std::size_t row, std::size_t i) {
    const int stored = nibble(zeros[i / group_size * (n / 8) + row / 8], row % 8);
    return std::pair(nibble(words[i / 8 * n + row], i % 8), (stored + 1) & 15);
  };
  expect_weights(kGptqMethod,
                 {.encoding = Encoding::kGptq,
                  .bits = 4,
                  .grain = ScaleGrain::kGroup,
                  .group_size = group_size,
                  .has_zeros = true,
                  .zeros_less_one = true},
                 Shape{k / 8, n}, formula);
}

INSTANTIATE_TEST_SUITE_P(Sizes, WordOrder, ::testing::ValuesIn(kSizes));

}  // namespace
}  // namespace nacelle::model
