// Where store_kv() puts what: each element at the layout's place, however the tokens come.
#include <gtest/gtest.h>

#include <cstring>
#include <random>
#include <tuple>

#include "kernels/attention/attention.h"
#include "kernels/attention/kv_quantize.h"
#include "kernels/attention/testing/paged_sequence.h"
#include "tensor/half.h"

namespace nacelle::kernels {
namespace {

using testing::Paged;
using testing::Sequence;

// The stored bytes of `count` values; int8 also has a scale.
std::vector<std::byte> stored(DType dtype, const float* values, std::size_t count, float scale,
                              float* i8_scale) {
  std::vector<std::byte> out(count * size_of(dtype));
  auto* const bytes = reinterpret_cast<std::uint8_t*>(out.data());
  for (std::size_t i = 0; i < count; ++i) {
    const BFloat16 bf16(values[i]);
    const Float16 f16(values[i]);
    if (dtype == DType::kF32) std::memcpy(&bytes[i * 4], &values[i], 4);
    if (dtype == DType::kBF16) std::memcpy(&bytes[i * 2], &bf16.bits, 2);
    if (dtype == DType::kF16) std::memcpy(&bytes[i * 2], &f16.bits, 2);
  }
  if (dtype == DType::kF8E4M3) quantize_e4m3(values, count, scale, bytes);
  if (dtype == DType::kI8) *i8_scale = quantize_i8(values, count, bytes);
  return out;
}

// One element after the other, by the layout's functions.
Buffer slow_model(const Sequence& sequence, const Paged& paged, const KvScales& scales) {
  const KvLayout& layout = paged.layout;
  Buffer memory = Buffer::allocate(layout.bytes()).value();
  const std::size_t size = size_of(layout.dtype);
  const std::uint32_t dim = sequence.heads.dim;
  for (std::uint32_t position = 0; position < sequence.length; ++position) {
    const std::uint32_t block = paged.table[position / layout.block_size];
    const std::uint32_t slot = position % layout.block_size;
    for (std::uint32_t head = 0; head < sequence.heads.kv; ++head) {
      const std::size_t row = (std::size_t{position} * sequence.heads.kv + head) * dim;
      float scale_of[2] = {};
      const auto k = stored(layout.dtype, &sequence.k[row], dim, scales.k, &scale_of[0]);
      const auto v = stored(layout.dtype, &sequence.v[row], dim, scales.v, &scale_of[1]);
      std::byte* const k_memory = memory.data() + layout.k_offset(block, head);
      std::byte* const v_memory = memory.data() + layout.v_offset(block, head);
      for (std::uint32_t d = 0; d < dim; ++d) {
        std::memcpy(k_memory + layout.k_element(slot, d) * size, &k[d * size], size);
        std::memcpy(v_memory + layout.v_element(slot, d) * size, &v[d * size], size);
      }
      if (layout.dtype == DType::kI8) {
        auto* const at =
            reinterpret_cast<float*>(memory.data() + layout.scales_offset(block, head));
        at[slot] = scale_of[0];
        at[layout.padded_slots() + slot] = scale_of[1];
      }
    }
  }
  return memory;
}

using Case = std::tuple<DType, std::uint32_t, std::uint32_t>;  // dtype, block size, head_dim
class StoreKv : public ::testing::TestWithParam<Case> {};

TEST_P(StoreKv, EveryElementIsInItsPlaceHoweverTheTokensCome) {
  const auto [dtype, block_size, dim] = GetParam();
  const Sequence sequence({2, 2, dim}, 75, dtype, 3);
  const std::size_t width = std::size_t{2} * dim;
  const KvScales scales{0.5F, 2.0F};
  WorkerPool pool(2);
  std::mt19937 random(4);
  for (const std::uint32_t longest : {1u, 2u, 9u, 75u}) {
    Paged paged(sequence, block_size, 1);
    const Buffer expected = slow_model(sequence, paged, scales);
    for (std::uint32_t begin = 0; begin < sequence.length;) {
      const std::uint32_t count =
          std::min<std::uint32_t>(1 + random() % longest, sequence.length - begin);
      const AttentionSequence chunk{0, count, begin + count, paged.table};
      store_kv({pool}, paged.layout, paged.memory.data(), {&chunk, 1}, &sequence.k[begin * width],
               width, &sequence.v[begin * width], width, scales);
      begin += count;
    }
    ASSERT_EQ(std::memcmp(paged.memory.data(), expected.data(), paged.layout.bytes()), 0)
        << to_string(dtype) << ", chunks of up to " << longest;
  }
}

INSTANTIATE_TEST_SUITE_P(All, StoreKv,
                         ::testing::Combine(::testing::Values(DType::kF32, DType::kBF16,
                                                              DType::kF16, DType::kF8E4M3,
                                                              DType::kI8),
                                            ::testing::Values(1u, 5u, 16u, 32u, 40u),
                                            ::testing::Values(7u, 64u, 128u)));

}  // namespace
}  // namespace nacelle::kernels
