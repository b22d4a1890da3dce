// reference.h: the meaning of attention: one query and one head, two passes, in f64.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "kernels/attention/attention.h"

namespace nacelle::kernels {

// q: [head_dim]; out: [head_dim] f32. The query stands at `position` of the sequence.
void attention_reference(const KvLayout& layout, const std::byte* layer_memory,
                         std::span<const std::uint32_t> block_table, std::uint32_t position,
                         std::uint32_t kv_head, const float* q, const AttentionOptions& options,
                         float* out);

}  // namespace nacelle::kernels
