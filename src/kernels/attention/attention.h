// attention.h: causal attention of a batch over paged K and V, grouped-query, optionally windowed.
//
// A batch mixes prefill chunks and decode tokens: each AttentionSequence is one chunk. The order in
// one layer is store_kv() for all its rows, then paged_attention().
//
//   s[j]  = scale * (q . k[j])        for the positions j the query sees
//   out   = sum_j softmax(s)[j] v[j]  query head h reads KV head h / (num_heads / num_kv_heads)
//
// Batch invariance: scores are handled in tiles of kKvTile positions that start at multiples of
// kKvTile of the sequence, in ascending order, with a running maximum. What one query row computes
// thus depends on its position and the sequence's K and V only: not on how the prompt was cut into
// chunks, on the other sequences, on block size or block numbers, or on threads.
//
// Tolerance: K and V are rounded to the layout's dtype when stored; from kAvx512Bf16 on, with bf16
// K, q is rounded to bf16 too (as a bf16 model does). On kAmx with bf16 V so are the weights before
// they meet V, each by at most 2^-8 of itself: |error| <= 2^-8 sum_j softmax(s)[j] |v[j]|.
// Otherwise sets differ by the order of f32 sums and by exp (2 units in the last place).
//
// Home:    caller thread of the pool; tasks are (chunk, KV head, tile of queries).
// Errors:  none: block tables and lengths are the engine's own values and are CHECKed.
// Source:  Kwon et al. (2023), PagedAttention; Dao (2023), FlashAttention-2.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "kernels/attention/kv_layout.h"
#include "kernels/context.h"
#include "kernels/rows.h"

namespace nacelle::kernels {

inline constexpr std::uint32_t kKvTile = 64;

// Consecutive tokens of one sequence: its positions [context_len - num_queries, context_len).
struct AttentionSequence {
  std::uint32_t first_row = 0;  // the batch row of the first of them
  std::uint32_t num_queries = 0;
  std::uint32_t context_len = 0;               // tokens of the sequence up to and with this chunk
  std::span<const std::uint32_t> block_table;  // covers at least context_len slots
};

struct AttentionOptions {
  float scale = 1.0F;
  // A query sees itself and the window - 1 positions before it; 0 = all before it. Blocks that lie
  // wholly before the window may be given any valid block number; they are not read.
  std::uint32_t sliding_window = 0;
};

// Writes K and V of every chunk's tokens into their slots. k and v: f32, row r of the batch at
// k + r * k_row_stride holds [num_kv_heads * head_dim].
void store_kv(const Context& context, const KvLayout& layout, std::byte* layer_memory,
              std::span<const AttentionSequence> sequences, const float* k,
              std::size_t k_row_stride, const float* v, std::size_t v_row_stride);

// q: f32, row r at q + r * q_row_stride holds [num_heads * head_dim]; num_heads is a multiple of
// layout.num_kv_heads. out: rows [num_heads * head_dim]. Rows of no chunk are not written.
void paged_attention(const Context& context, const KvLayout& layout, const std::byte* layer_memory,
                     std::span<const AttentionSequence> sequences, const float* q,
                     std::size_t q_row_stride, std::uint32_t num_heads,
                     const AttentionOptions& options, const OutputRows& out);

}  // namespace nacelle::kernels
