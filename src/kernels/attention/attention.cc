#include "kernels/attention/attention.h"

#include <array>

#include "base/check.h"
#include "kernels/attention/reference.h"
#include "kernels/format.h"

namespace nacelle::kernels {

void paged_attention(const Context& context, const KvLayout& layout, const std::byte* layer_memory,
                     std::span<const AttentionSequence> sequences, const float* q,
                     std::size_t q_row_stride, std::uint32_t num_heads,
                     const AttentionOptions& options, const OutputRows& out) {
  CHECK(layout.validate().ok() && num_heads % layout.num_kv_heads == 0);
  const Format format = format_of(out.dtype);
  const std::uint32_t group = num_heads / layout.num_kv_heads;
  for (const AttentionSequence& sequence : sequences) {
    CHECK(sequence.num_queries <= sequence.context_len);
    CHECK(sequence.block_table.size() * layout.block_size >= sequence.context_len);
    const std::uint32_t first_position = sequence.context_len - sequence.num_queries;
    context.pool.run(sequence.num_queries, [&](std::size_t query) {
      const std::size_t row = sequence.first_row + query;
      void* target = row_at(out.data, format, out.row_stride, row);
      for (std::uint32_t head = 0; head < num_heads; ++head) {
        std::array<float, 512> values;
        attention_reference(layout, layer_memory, sequence.block_table,
                            static_cast<std::uint32_t>(first_position + query), head / group,
                            q + row * q_row_stride + head * layout.head_dim, options,
                            values.data());
        for (std::uint32_t dim = 0; dim < layout.head_dim; ++dim) {
          store_one(target, format, head * layout.head_dim + dim, values[dim]);
        }
      }
    });
  }
}

}  // namespace nacelle::kernels
