#include <array>

#include "base/check.h"
#include "kernels/attention/attention.h"
#include "kernels/attention/attention_isa.h"
#include "kernels/attention/kv_quantize.h"
#include "tensor/half.h"

namespace nacelle::kernels {
namespace {

// Puts one token's K or V of one head into place. T is the stored element; kPair share a word.
template <class T, std::size_t kPair>
void scatter(const KvLayout& layout, std::uint32_t slot, const T* k, const T* v,
             std::byte* k_memory, std::byte* v_memory) {
  T* k_target = reinterpret_cast<T*>(k_memory) + layout.k_element(slot, 0);
  T* v_target = reinterpret_cast<T*>(v_memory) + layout.v_element(slot, 0);
  const std::size_t k_step = layout.padded_slots() * kPair;  // from one pair of dims to the next
  const std::size_t dim_count = layout.head_dim;
  for (std::size_t dim = 0; dim < dim_count; ++dim) {
    k_target[dim / kPair * k_step + dim % kPair] = k[dim];
  }
  for (std::size_t dim = 0; dim < dim_count; ++dim) v_target[dim * kPair] = v[dim];
}

struct Token {
  std::uint32_t slot;
  const float* k;
  const float* v;
  std::byte* k_memory;
  std::byte* v_memory;
};

template <class T, std::size_t kPair>
void store_head(const KvLayout& layout, const KvScales&, const Token& token) {
  std::array<T, kAttentionMaxDim> k;
  std::array<T, kAttentionMaxDim> v;
  for (std::size_t dim = 0; dim < layout.head_dim; ++dim) {
    k[dim] = static_cast<T>(token.k[dim]);
    v[dim] = static_cast<T>(token.v[dim]);
  }
  scatter<T, kPair>(layout, token.slot, k.data(), v.data(), token.k_memory, token.v_memory);
}

void store_head_e4m3(const KvLayout& layout, const KvScales& scales, const Token& token) {
  std::array<std::uint8_t, kAttentionMaxDim> k;
  std::array<std::uint8_t, kAttentionMaxDim> v;
  quantize_e4m3(token.k, layout.head_dim, scales.k, k.data());
  quantize_e4m3(token.v, layout.head_dim, scales.v, v.data());
  scatter<std::uint8_t, 2>(layout, token.slot, k.data(), v.data(), token.k_memory, token.v_memory);
}

void store_head_i8(const KvLayout& layout, const KvScales&, const Token& token) {
  std::array<std::uint8_t, kAttentionMaxDim> k;
  std::array<std::uint8_t, kAttentionMaxDim> v;
  auto* scales = reinterpret_cast<float*>(token.v_memory + layout.half_bytes());
  scales[token.slot] = quantize_i8(token.k, layout.head_dim, k.data());
  scales[layout.padded_slots() + token.slot] = quantize_i8(token.v, layout.head_dim, v.data());
  scatter<std::uint8_t, 2>(layout, token.slot, k.data(), v.data(), token.k_memory, token.v_memory);
}

using StoreHead = void (*)(const KvLayout&, const KvScales&, const Token&);

StoreHead store_head_for(DType dtype) {
  switch (dtype) {
    case DType::kF32:
      return store_head<float, 1>;
    case DType::kBF16:
      return store_head<BFloat16, 2>;
    case DType::kF8E4M3:
      return store_head_e4m3;
    case DType::kI8:
      return store_head_i8;
    default:
      return store_head<Float16, 2>;
  }
}

}  // namespace

void store_kv(const Context& context, const KvLayout& layout, std::byte* layer_memory,
              std::span<const AttentionSequence> sequences, const float* k,
              std::size_t k_row_stride, const float* v, std::size_t v_row_stride,
              const KvScales& scales) {
  CHECK(layout.validate().ok());
  const StoreHead store = store_head_for(layout.dtype);
  std::size_t num_tokens = 0;
  for (const AttentionSequence& sequence : sequences) {
    CHECK(sequence.num_queries <= sequence.context_len);
    CHECK(sequence.block_table.size() * layout.block_size >= sequence.context_len);
    num_tokens += sequence.num_queries;
  }
  constexpr std::size_t kGrainTokens = 16;  // two threads rarely share a block's cache lines
  context.pool.run_ranges(num_tokens, kGrainTokens, [&](std::size_t begin, std::size_t end) {
    std::size_t index = 0;
    std::size_t first_token = 0;  // of sequence `index`
    for (std::size_t token = begin; token < end; ++token) {
      while (token >= first_token + sequences[index].num_queries) {
        first_token += sequences[index++].num_queries;
      }
      const AttentionSequence& sequence = sequences[index];
      const std::size_t query = token - first_token;
      const std::size_t position = sequence.context_len - sequence.num_queries + query;
      const std::uint32_t block = sequence.block_table[position / layout.block_size];
      CHECK(block < layout.num_blocks);
      const auto slot = static_cast<std::uint32_t>(position % layout.block_size);
      const float* k_row = k + (sequence.first_row + query) * k_row_stride;
      const float* v_row = v + (sequence.first_row + query) * v_row_stride;
      for (std::uint32_t head = 0; head < layout.num_kv_heads; ++head) {
        store(layout, scales,
              {slot, k_row + std::size_t{head} * layout.head_dim,
               v_row + std::size_t{head} * layout.head_dim,
               layer_memory + layout.k_offset(block, head),
               layer_memory + layout.v_offset(block, head)});
      }
    }
  });
}

}  // namespace nacelle::kernels
