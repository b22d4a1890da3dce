#include "base/check.h"
#include "kernels/attention/attention.h"
#include "kernels/format.h"

namespace nacelle::kernels {

void store_kv(const Context& context, const KvLayout& layout, std::byte* layer_memory,
              std::span<const AttentionSequence> sequences, const float* k,
              std::size_t k_row_stride, const float* v, std::size_t v_row_stride) {
  const Format format = format_of(layout.dtype);
  for (const AttentionSequence& sequence : sequences) {
    CHECK(sequence.num_queries <= sequence.context_len);
    CHECK(sequence.block_table.size() * layout.block_size >= sequence.context_len);
    const std::uint32_t first_position = sequence.context_len - sequence.num_queries;
    const std::size_t grain = 8;
    context.pool.run_ranges(sequence.num_queries, grain, [&](std::size_t begin, std::size_t end) {
      for (std::size_t i = begin; i < end; ++i) {
        const auto position = static_cast<std::uint32_t>(first_position + i);
        const std::uint32_t block = sequence.block_table[position / layout.block_size];
        CHECK(block < layout.num_blocks);
        const std::uint32_t slot = position % layout.block_size;
        const std::size_t row = sequence.first_row + i;
        for (std::uint32_t head = 0; head < layout.num_kv_heads; ++head) {
          const float* k_head = k + row * k_row_stride + head * layout.head_dim;
          const float* v_head = v + row * v_row_stride + head * layout.head_dim;
          std::byte* k_memory = layer_memory + layout.k_offset(block, head);
          std::byte* v_memory = layer_memory + layout.v_offset(block, head);
          for (std::uint32_t dim = 0; dim < layout.head_dim; ++dim) {
            store_one(k_memory, format, layout.k_element(slot, dim), k_head[dim]);
            store_one(v_memory, format, layout.v_element(slot, dim), v_head[dim]);
          }
        }
      }
    });
  }
}

}  // namespace nacelle::kernels
