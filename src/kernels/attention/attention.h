// attention.h: causal attention of a batch over paged K and V, grouped-query, optionally windowed.
//
// A batch mixes prefill chunks and decode tokens: each AttentionSequence is one chunk. The order in
// one layer is store_kv() for all its rows, then paged_attention().
//
//   s[j]  = scale * (q . k[j])        for the positions j the query sees
//   out   = sum_j softmax(s)[j] v[j]  query head h reads KV head h / (num_heads / num_kv_heads)
//
// Batch invariance: scores are handled in tiles of kKvTile positions that start at multiples of
// kKvTile of the sequence, in ascending order, with a running maximum, and parts of kAttentionPart
// positions are summed by themselves and joined in ascending order. What one query row computes
// thus depends on its position and the sequence's K and V only: not on how the prompt was cut into
// chunks, on the other sequences or blocks shared with them, on block size or block numbers, or on
// threads.
//
// Tolerance: K and V are rounded to the layout's dtype when stored: e4m3 to 2^-4 of a value (2^-10
// times the scale below 2^-6 of it), int8 to 1/254 of the largest of its token and head. On
// kAvx512Bf16 and the AMX sets with bf16 or 8-bit K and V, q and the weights of the softmax are
// rounded to bf16 too (as a bf16 model does): up to 2^-8 of the weighted mean of |v|. Otherwise
// sets differ by the order of f32 sums and by exp (2 units in the last place).
//
// Home:    caller thread of the pool.
// Errors:  none: block tables and lengths are the engine's own values and are CHECKed.
// Source:  Kwon et al. (2023), PagedAttention; Dao (2023), FlashAttention-2 and Flash-Decoding; Ye
// et
//          al. (2024), cascade inference.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "kernels/attention/attention_plan.h"
#include "kernels/attention/kv_layout.h"
#include "kernels/context.h"
#include "kernels/rows.h"

namespace nacelle::kernels {

inline constexpr std::uint32_t kKvTile = kAttentionTile;

struct AttentionOptions {
  float scale = 1.0F;
  // A query sees itself and the window - 1 positions before it; 0 = all before it. Blocks that lie
  // wholly before the window may be given any valid block number; they are not read.
  std::uint32_t sliding_window = 0;
  KvScales kv_scales = {};  // of this layer, for e4m3
};

// Writes K and V of every chunk's tokens into their slots. k and v: f32, row r of the batch at
// k + r * k_row_stride holds [num_kv_heads * head_dim].
void store_kv(const Context& context, const KvLayout& layout, std::byte* layer_memory,
              std::span<const AttentionSequence> sequences, const float* k,
              std::size_t k_row_stride, const float* v, std::size_t v_row_stride,
              const KvScales& scales = {});

// The plan was made of the batch with this window. q: f32, row r at q + r * q_row_stride holds
// [num_heads * head_dim]; num_heads is a multiple of layout.num_kv_heads. out: rows [num_heads *
// head_dim]. Rows of no chunk are not written.
void paged_attention(const Context& context, const KvLayout& layout, const std::byte* layer_memory,
                     const AttentionPlan& plan, const float* q, std::size_t q_row_stride,
                     const AttentionOptions& options, const OutputRows& out);

// The same with a plan of its own, which allocates: for a batch that has one layer.
void paged_attention(const Context& context, const KvLayout& layout, const std::byte* layer_memory,
                     std::span<const AttentionSequence> sequences, const float* q,
                     std::size_t q_row_stride, std::uint32_t num_heads,
                     const AttentionOptions& options, const OutputRows& out);

}  // namespace nacelle::kernels
