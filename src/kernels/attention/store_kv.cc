#include <algorithm>
#include <array>
#include <cstring>

#include "base/check.h"
#include "kernels/attention/attention.h"
#include "kernels/attention/attention_isa.h"
#include "kernels/attention/kv_quantize.h"
#include "tensor/half.h"

namespace nacelle::kernels {
namespace {

constexpr std::size_t kRun = 16;  // tokens of one block that are stored together

// Consecutive slots of one block, of one KV head.
struct Run {
  std::uint32_t first_slot;
  std::size_t count;  // at most kRun
  const float* k;     // the first token's; the next one's lies k_stride later
  std::size_t k_stride;
  const float* v;
  std::size_t v_stride;
  std::byte* k_memory;
  std::byte* v_memory;
};

// The padding keeps one dim of all rows from falling into a few sets of the cache.
template <class T>
using Rows = std::array<std::array<T, kAttentionMaxDim + 64 / sizeof(T)>, kRun>;

// Puts a run's K and V into place. T is the stored element; kPair share a word.
template <class T, std::size_t kPair>
void scatter(const KvLayout& layout, const Run& run, const Rows<T>& k, const Rows<T>& v) {
  T* const k_target = reinterpret_cast<T*>(run.k_memory) + layout.k_element(run.first_slot, 0);
  const std::size_t k_step = layout.padded_slots() * kPair;  // from one pair of dims to the next
  const std::size_t dims = layout.head_dim;
  // Of one dim or pair after the other, the run's words lie side by side.
  std::size_t dim = 0;
  for (; dim + kPair <= dims; dim += kPair) {
    T* const target = k_target + dim / kPair * k_step;
    for (std::size_t i = 0; i < run.count; ++i) {
      std::memcpy(&target[i * kPair], &k[i][dim], sizeof(T) * kPair);
    }
  }
  if (dim < dims) {  // half a pair; its other half stays zero
    for (std::size_t i = 0; i < run.count; ++i)
      k_target[dim / kPair * k_step + i * kPair] = k[i][dim];
  }
  T* const v_memory = reinterpret_cast<T*>(run.v_memory);
  std::size_t i = 0;
  while (i < run.count) {
    const auto slot = static_cast<std::uint32_t>(run.first_slot + i);
    T* const target = v_memory + layout.v_element(slot, 0);
    if (kPair == 2 && slot % 2 == 0 && i + 1 < run.count) {  // both halves of its words are here
      for (std::size_t d = 0; d < dims; ++d) {
        target[d * 2] = v[i][d];
        target[d * 2 + 1] = v[i + 1][d];
      }
      i += 2;
    } else {
      for (std::size_t d = 0; d < dims; ++d) target[d * kPair] = v[i][d];
      ++i;
    }
  }
}

float stored_as(float value, float /*type*/) { return value; }
std::uint16_t stored_as(float value, BFloat16 /*type*/) { return BFloat16(value).bits; }
std::uint16_t stored_as(float value, Float16 /*type*/) { return Float16(value).bits; }

template <class T, std::size_t kPair>
void store_head(const KvLayout& layout, const KvScales&, const Run& run) {
  Rows<decltype(stored_as(0, T{}))> k;  // not initialised, which T would be
  Rows<decltype(stored_as(0, T{}))> v;
  for (std::size_t i = 0; i < run.count; ++i) {
    const float* const k_row = run.k + i * run.k_stride;
    const float* const v_row = run.v + i * run.v_stride;
    for (std::size_t dim = 0; dim < layout.head_dim; ++dim) {
      k[i][dim] = stored_as(k_row[dim], T{});
      v[i][dim] = stored_as(v_row[dim], T{});
    }
  }
  scatter<typename decltype(k)::value_type::value_type, kPair>(layout, run, k, v);
}

void store_head_e4m3(const KvLayout& layout, const KvScales& scales, const Run& run) {
  Rows<std::uint8_t> k;
  Rows<std::uint8_t> v;
  for (std::size_t i = 0; i < run.count; ++i) {
    quantize_e4m3(run.k + i * run.k_stride, layout.head_dim, scales.k, k[i].data());
    quantize_e4m3(run.v + i * run.v_stride, layout.head_dim, scales.v, v[i].data());
  }
  scatter<std::uint8_t, 2>(layout, run, k, v);
}

void store_head_i8(const KvLayout& layout, const KvScales&, const Run& run) {
  Rows<std::uint8_t> k;
  Rows<std::uint8_t> v;
  auto* const scales =
      reinterpret_cast<float*>(run.v_memory + layout.half_bytes()) + run.first_slot;
  for (std::size_t i = 0; i < run.count; ++i) {
    scales[i] = quantize_i8(run.k + i * run.k_stride, layout.head_dim, k[i].data());
    scales[layout.padded_slots() + i] =
        quantize_i8(run.v + i * run.v_stride, layout.head_dim, v[i].data());
  }
  scatter<std::uint8_t, 2>(layout, run, k, v);
}

using StoreHead = void (*)(const KvLayout&, const KvScales&, const Run&);

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
    for (std::size_t token = begin; token < end;) {
      while (token >= first_token + sequences[index].num_queries) {
        first_token += sequences[index++].num_queries;
      }
      const AttentionSequence& sequence = sequences[index];
      const std::size_t query = token - first_token;
      const std::size_t position = sequence.context_len - sequence.num_queries + query;
      const std::uint32_t block = sequence.block_table[position / layout.block_size];
      CHECK(block < layout.num_blocks);
      const auto slot = static_cast<std::uint32_t>(position % layout.block_size);
      const std::size_t count = std::min(
          {kRun, end - token, sequence.num_queries - query, std::size_t{layout.block_size} - slot});
      const float* const k_row = k + (sequence.first_row + query) * k_row_stride;
      const float* const v_row = v + (sequence.first_row + query) * v_row_stride;
      for (std::uint32_t head = 0; head < layout.num_kv_heads; ++head) {
        store(layout, scales,
              {slot, count, k_row + std::size_t{head} * layout.head_dim, k_row_stride,
               v_row + std::size_t{head} * layout.head_dim, v_row_stride,
               layer_memory + layout.k_offset(block, head),
               layer_memory + layout.v_offset(block, head)});
      }
      token += count;
    }
  });
}

}  // namespace nacelle::kernels
