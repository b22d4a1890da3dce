#include <algorithm>
#include <vector>

#include "base/check.h"
#include "kernels/attention/attention.h"
#include "tensor/half.h"

namespace nacelle::kernels {
namespace {

// One token's K and V of one head. T is the stored element; kPair of them share a word.
template <class T, std::size_t kPair>
void store_head(const KvLayout& layout, std::uint32_t slot, const float* k, const float* v,
                std::byte* k_memory, std::byte* v_memory) {
  T* k_target = reinterpret_cast<T*>(k_memory) + layout.k_element(slot, 0);
  T* v_target = reinterpret_cast<T*>(v_memory) + layout.v_element(slot, 0);
  const std::size_t k_step = layout.padded_slots() * kPair;  // from one pair of dims to the next
  const std::size_t dim_count = layout.head_dim;
  for (std::size_t dim = 0; dim < dim_count; ++dim) {
    k_target[dim / kPair * k_step + dim % kPair] = static_cast<T>(k[dim]);
  }
  for (std::size_t dim = 0; dim < dim_count; ++dim) v_target[dim * kPair] = static_cast<T>(v[dim]);
}

using StoreHead = void (*)(const KvLayout&, std::uint32_t, const float*, const float*, std::byte*,
                           std::byte*);

StoreHead store_head_for(DType dtype) {
  if (dtype == DType::kF32) return store_head<float, 1>;
  return dtype == DType::kBF16 ? store_head<BFloat16, 2> : store_head<Float16, 2>;
}

}  // namespace

void store_kv(const Context& context, const KvLayout& layout, std::byte* layer_memory,
              std::span<const AttentionSequence> sequences, const float* k,
              std::size_t k_row_stride, const float* v, std::size_t v_row_stride) {
  CHECK(layout.validate().ok());
  const StoreHead store = store_head_for(layout.dtype);
  // first_token[i] is the number of tokens before sequence i.
  std::vector<std::size_t> first_token(sequences.size() + 1, 0);
  for (std::size_t i = 0; i < sequences.size(); ++i) {
    CHECK(sequences[i].num_queries <= sequences[i].context_len);
    CHECK(sequences[i].block_table.size() * layout.block_size >= sequences[i].context_len);
    first_token[i + 1] = first_token[i] + sequences[i].num_queries;
  }
  constexpr std::size_t kGrainTokens = 16;  // two threads rarely share a block's cache lines
  context.pool.run_ranges(
      first_token.back(), kGrainTokens, [&](std::size_t begin, std::size_t end) {
        const auto after = std::upper_bound(first_token.begin(), first_token.end(), begin);
        auto index = static_cast<std::size_t>(after - first_token.begin()) - 1;
        for (std::size_t token = begin; token < end; ++token) {
          while (token >= first_token[index + 1]) ++index;
          const AttentionSequence& sequence = sequences[index];
          const std::size_t query = token - first_token[index];
          const std::size_t position = sequence.context_len - sequence.num_queries + query;
          const std::uint32_t block = sequence.block_table[position / layout.block_size];
          CHECK(block < layout.num_blocks);
          const auto slot = static_cast<std::uint32_t>(position % layout.block_size);
          const float* k_row = k + (sequence.first_row + query) * k_row_stride;
          const float* v_row = v + (sequence.first_row + query) * v_row_stride;
          for (std::uint32_t head = 0; head < layout.num_kv_heads; ++head) {
            store(layout, slot, k_row + std::size_t{head} * layout.head_dim,
                  v_row + std::size_t{head} * layout.head_dim,
                  layer_memory + layout.k_offset(block, head),
                  layer_memory + layout.v_offset(block, head));
          }
        }
      });
}

}  // namespace nacelle::kernels
