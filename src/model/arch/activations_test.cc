#include "model/arch/activations.h"

#include <gtest/gtest.h>

#include <cstdint>

namespace nacelle::model {
namespace {

ModelConfig config(std::uint32_t hidden, std::uint32_t heads, std::uint32_t kv_heads,
                   std::uint32_t head_dim, std::uint32_t inner) {
  ModelConfig out;
  out.hidden_size = hidden;
  out.num_heads = heads;
  out.num_kv_heads = kv_heads;
  out.head_dim = head_dim;
  out.intermediate_size = inner;
  return out;
}

// The rows of the last op of a layer, the product of down, and of what comes before and after it.
TEST(Activations, WhatIsAliveTogetherDoesNotOverlap) {
  for (const auto& shape : {config(1024, 16, 8, 128, 3072), config(2048, 32, 8, 64, 8192),
                            config(24, 1, 1, 80, 33), config(3, 1, 1, 2, 5)}) {
    for (const std::size_t rows : {std::size_t{1}, std::size_t{7}, std::size_t{2048}}) {
      Activations at(shape, DType::kBF16);
      at.prepare(rows);
      const auto place = [](const void* p) { return reinterpret_cast<std::uintptr_t>(p); };
      EXPECT_GE(place(at.inner()), place(at.delta()) + rows * shape.hidden_size * sizeof(float));
      EXPECT_EQ(place(at.inner()) % 64, 0u);
      // All of it can be written.
      std::fill_n(at.residual(), rows * shape.hidden_size, 1.0F);
      const std::size_t qkv = (shape.num_heads + 2 * shape.num_kv_heads) * shape.head_dim;
      std::fill_n(at.qkv(), rows * qkv, 2.0F);
      std::fill_n(at.inner(), rows * shape.intermediate_size * 2, std::byte{3});
      std::fill_n(at.normed(), rows * shape.hidden_size * 2, std::byte{4});
      std::fill_n(at.attention(), rows * shape.num_heads * shape.head_dim * 2, std::byte{5});
      std::fill_n(at.delta(), rows * shape.hidden_size, 6.0F);
      EXPECT_EQ(at.residual()[rows * shape.hidden_size - 1], 1.0F);
      EXPECT_EQ(at.inner()[0], std::byte{3});
    }
  }
}

TEST(Activations, SizeOfARealShape) {
  // Residual 8 MiB, wide 32 MiB (q, k and v of 4096 floats), narrow 8 MiB (attention).
  EXPECT_EQ(Activations::bytes(config(1024, 16, 8, 128, 3072), DType::kBF16, 2048), 48u << 20);
  // There delta and inner are wider: (2048 * 4 + 8192 * 2) > 3072 * 4 bytes a row.
  EXPECT_EQ(Activations::bytes(config(2048, 32, 8, 64, 8192), DType::kBF16, 1024), (8u + 24 + 4)
                                                                                       << 20);
}

}  // namespace
}  // namespace nacelle::model
