#include "kernels/attention/reference.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "kernels/format.h"

namespace nacelle::kernels {
namespace {

// What the stored K (half 0) or V (half 1) of a position is multiplied by. `head` is the memory of
// the position's block and head.
double scale_of(const KvLayout& layout, const std::byte* head, std::uint32_t position,
                std::size_t half, float layer_scale) {
  if (layout.dtype == DType::kF8E4M3) return layer_scale;
  if (layout.dtype != DType::kI8) return 1.0;
  const std::size_t slot = half * layout.padded_slots() + position % layout.block_size;
  return load_one(head + 2 * layout.half_bytes(), Format::kF32, slot);
}

}  // namespace

void attention_reference(const KvLayout& layout, const std::byte* layer_memory,
                         std::span<const std::uint32_t> block_table, std::uint32_t position,
                         std::uint32_t kv_head, const float* q, const AttentionOptions& options,
                         float* out) {
  const Format format = layout.format();
  const std::uint32_t window = options.sliding_window;
  const std::uint32_t first = window != 0 && position + 1 > window ? position + 1 - window : 0;
  std::vector<double> weights;
  double max = -std::numeric_limits<double>::infinity();
  for (std::uint32_t j = first; j <= position; ++j) {
    const std::uint32_t block = block_table[j / layout.block_size];
    const std::byte* k = layer_memory + layout.k_offset(block, kv_head);
    double score = 0;
    for (std::uint32_t dim = 0; dim < layout.head_dim; ++dim) {
      score += static_cast<double>(q[dim]) *
               load_one(k, format, layout.k_element(j % layout.block_size, dim));
    }
    score *= double{options.scale} * scale_of(layout, k, j, 0, options.kv_scales.k);
    weights.push_back(score);
    max = std::max(max, score);
  }
  double sum = 0;
  for (double& weight : weights) {
    weight = std::exp(weight - max);
    sum += weight;
  }
  std::vector<double> total(layout.head_dim, 0.0);
  for (std::uint32_t j = first; j <= position; ++j) {
    const std::uint32_t block = block_table[j / layout.block_size];
    const std::byte* v = layer_memory + layout.v_offset(block, kv_head);
    const double scale =
        scale_of(layout, layer_memory + layout.k_offset(block, kv_head), j, 1, options.kv_scales.v);
    for (std::uint32_t dim = 0; dim < layout.head_dim; ++dim) {
      total[dim] += weights[j - first] * scale *
                    load_one(v, format, layout.v_element(j % layout.block_size, dim));
    }
  }
  for (std::uint32_t dim = 0; dim < layout.head_dim; ++dim) {
    out[dim] = static_cast<float>(total[dim] / sum);
  }
}

}  // namespace nacelle::kernels
