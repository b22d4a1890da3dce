// attention_isa.h: one task of attention, per instruction set. Plain data only.
#pragma once

#include <cstddef>
#include <cstdint>

#include "kernels/format.h"

namespace nacelle::kernels {

constexpr std::size_t kAttentionTile = 64;             // positions per step of the online softmax
constexpr std::size_t kAttentionMaxRows = 48;          // (query, head) pairs of one task
constexpr std::size_t kAttentionMaxValues = 48 * 128;  // rows times padded_dim of one task
constexpr std::size_t kAttentionMaxDim = 512;
constexpr std::size_t kAttentionFewRows = 6;  // rows that a kernel holds in registers at once

// Neighbouring queries of one sequence and neighbouring KV heads, each with num_heads query heads.
// At most kAttentionMaxRows (KV head, query, head) rows.
struct AttentionJob {
  // (query, head, dim) at q[query * q_row_stride + head * head_dim + dim]
  const float* q = nullptr;
  std::size_t q_row_stride = 0;
  std::size_t num_queries = 0;
  std::size_t num_kv_heads = 0;
  std::size_t num_heads = 0;  // query heads per KV head
  std::size_t head_dim = 0;
  std::size_t padded_dim = 0;
  std::size_t first_position = 0;  // of the first query
  std::size_t window = 0;          // 0: none
  float scale = 1.0F;

  const std::byte* k = nullptr;  // block 0 of the first KV head, see kv_layout.h
  const std::byte* v = nullptr;
  std::size_t kv_head_bytes = 0;  // from one KV head to the next
  std::size_t block_bytes = 0;    // from one block to the next
  const std::uint32_t* block_table = nullptr;
  std::size_t block_size = 0;
  std::size_t padded_slots = 0;
  Format kv_format = Format::kBF16;

  void* out = nullptr;  // laid out as q, in elements of out_format
  std::size_t out_row_stride = 0;
  Format out_format = Format::kF32;
};

using AttentionRun = void (*)(const AttentionJob& job);

void attention_portable(const AttentionJob& job);
void attention_avx2(const AttentionJob& job);
void attention_avx512(const AttentionJob& job);
void attention_avx512bf16(const AttentionJob& job);
void attention_amx(const AttentionJob& job);
void attention_amx_emulated(const AttentionJob& job);

}  // namespace nacelle::kernels
