// attention_isa.h: one task of attention, per instruction set. Plain data only.
//
// A task is a few queries times a run of parts. A part is kAttentionPart positions of a sequence at
// a multiple of kAttentionPart. Each row (query, head) sums every part by itself, from nothing, and
// joins the parts in ascending order (merge.inc): inside of one task, or over partials that several
// tasks wrote. Both are the same operations, so the cut into tasks cannot be seen in the result.
#pragma once

#include <cstddef>
#include <cstdint>

#include "kernels/format.h"

namespace nacelle::kernels {

constexpr std::size_t kAttentionTile = 64;             // positions per step of the online softmax
constexpr std::size_t kAttentionPart = 256;            // positions summed by themselves
constexpr std::size_t kAttentionMaxRows = 48;          // (query, head) pairs of one task
constexpr std::size_t kAttentionMaxValues = 48 * 128;  // rows times padded_dim of one task
constexpr std::size_t kAttentionMaxDim = 512;
constexpr std::size_t kAttentionFewRows = 6;  // rows that a kernel holds in registers at once

// A query sees positions up to and with its own, at most a window of them.
struct AttentionQuery {
  std::uint32_t row = 0;         // of the batch
  std::uint32_t position = 0;    // in its sequence
  std::uint32_t first_part = 0;  // the first part it sees; the last is position / kAttentionPart
  std::uint32_t partial = 0;     // number of the partial of its first part, the others follow
};

// A partial: max [padded_heads], sum [padded_heads], out [num_heads of the model][padded_dim], f32.
struct AttentionPartials {
  float* data = nullptr;
  std::size_t padded_heads = 0;    // query heads of the model, rounded up to 16
  std::size_t partial_floats = 0;  // from one partial to the next
};

// Queries over the same blocks and neighbouring KV heads, each with num_heads query heads. At most
// kAttentionMaxRows (KV head, query, head) rows.
struct AttentionJob {
  const float* q = nullptr;  // (row, head, dim) at q[row * q_row_stride + head * head_dim + dim]
  std::size_t q_row_stride = 0;
  const AttentionQuery* queries = nullptr;
  std::size_t num_queries = 0;
  std::size_t num_kv_heads = 0;
  std::size_t num_heads = 0;   // query heads per KV head
  std::size_t first_head = 0;  // the first query head of the first KV head
  std::size_t head_dim = 0;
  std::size_t padded_dim = 0;
  std::size_t first_part = 0;  // parts [first_part, last_part)
  std::size_t last_part = 0;
  std::size_t window = 0;  // 0: none
  float scale = 1.0F;      // of scores
  float out_scale = 1.0F;  // of results

  const std::byte* k = nullptr;  // block 0 of the first KV head, see kv_layout.h
  const std::byte* v = nullptr;
  std::size_t kv_head_bytes = 0;  // from one KV head to the next
  std::size_t block_bytes = 0;    // from one block to the next
  std::size_t scales_bytes = 0;   // kI8: from a head's K to its scales
  const std::uint32_t* block_table = nullptr;
  std::size_t block_size = 0;
  std::size_t padded_slots = 0;
  Format kv_format = Format::kBF16;

  // With partials.data the task writes a partial for each part that a query sees, else the results;
  // it then holds all parts of its queries.
  AttentionPartials partials;
  void* out = nullptr;  // laid out as q, in elements of out_format
  std::size_t out_row_stride = 0;
  Format out_format = Format::kF32;
};

// Joins the partials of all heads of one query and writes the result.
struct AttentionMergeJob {
  AttentionQuery query;
  AttentionPartials partials;
  std::size_t num_heads = 0;  // of the model
  std::size_t head_dim = 0;
  std::size_t padded_dim = 0;
  float out_scale = 1.0F;
  void* out = nullptr;
  std::size_t out_row_stride = 0;
  Format out_format = Format::kF32;
};

using AttentionRun = void (*)(const AttentionJob& job);
using AttentionMerge = void (*)(const AttentionMergeJob& job);

void attention_portable(const AttentionJob& job);
void attention_avx2(const AttentionJob& job);
void attention_avx512(const AttentionJob& job);
void attention_avx512bf16(const AttentionJob& job);
void attention_amx(const AttentionJob& job);
void attention_amx_emulated(const AttentionJob& job);

void attention_merge_portable(const AttentionMergeJob& job);
void attention_merge_avx2(const AttentionMergeJob& job);
void attention_merge_avx512(const AttentionMergeJob& job);

}  // namespace nacelle::kernels
