#include "kernels/embedding/embedding.h"

#include <gtest/gtest.h>

#include <vector>

#include "tensor/convert.h"

namespace nacelle::kernels {
namespace {

TEST(Embedding, GathersRowsOfEveryType) {
  constexpr std::size_t kVocab = 257, kDim = 19;
  WorkerPool pool(2);
  std::vector<float> table(kVocab * kDim);
  for (std::size_t i = 0; i < table.size(); ++i) table[i] = static_cast<float>(i % 97) - 48.0F;
  std::vector<TokenId> ids = {0, 256, 3, 3, 100};
  while (ids.size() < 2000) ids.push_back(static_cast<TokenId>(ids.size() * 31 % kVocab));
  for (const DType dtype : {DType::kF32, DType::kBF16, DType::kF16}) {
    std::vector<std::byte> stored(table.size() * size_of(dtype));
    ASSERT_TRUE(convert(DType::kF32, table.data(), dtype, stored.data(), table.size()).ok());
    const TensorView view(stored.data(), dtype, Shape{kVocab, kDim});
    std::vector<float> out(ids.size() * kDim);
    gather_embeddings({pool}, view, ids, out.data());
    for (std::size_t row = 0; row < ids.size(); ++row) {
      for (std::size_t i = 0; i < kDim; ++i) {
        ASSERT_EQ(out[row * kDim + i], table[static_cast<std::size_t>(ids[row]) * kDim + i]);
      }
    }
  }
}

TEST(EmbeddingDeathTest, IdsOutsideOfTheTableAreABug) {
  WorkerPool pool(1);
  const float table[4] = {};
  const TensorView view(table, DType::kF32, Shape{2, 2});
  float out[2];
  for (const TokenId id : {-1, 2}) {
    EXPECT_DEATH(gather_embeddings({pool}, view, std::vector<TokenId>{id}, out), "vocab");
  }
}

}  // namespace
}  // namespace nacelle::kernels
