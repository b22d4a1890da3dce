// paged_sequence.h: made-up sequences, their exact attention, and paged memory for them; for tests.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <numeric>
#include <random>
#include <vector>

#include "kernels/attention/attention.h"
#include "tensor/buffer.h"
#include "tensor/convert.h"

namespace nacelle::kernels::testing {

inline std::vector<float> rounded(std::vector<float> values, DType dtype) {
  Buffer stored = Buffer::allocate(values.size() * size_of(dtype)).value();
  EXPECT_TRUE(convert(DType::kF32, values.data(), dtype, stored.data(), values.size()).ok());
  EXPECT_TRUE(convert(dtype, stored.data(), DType::kF32, values.data(), values.size()).ok());
  return values;
}

struct Heads {
  std::uint32_t query;
  std::uint32_t kv;
  std::uint32_t dim;
};

// One sequence's q, k and v, and memory to attend in.
struct Sequence {
  Sequence(Heads heads_in, std::uint32_t length_in, DType dtype_in, std::uint32_t seed)
      : heads(heads_in), length(length_in), dtype(dtype_in) {
    std::mt19937 random(seed);
    std::normal_distribution<float> normal;
    const auto fill = [&](std::size_t width) {
      std::vector<float> values(length * width);
      for (float& value : values) value = normal(random);
      return rounded(std::move(values), DType::kBF16);  // representable in every dtype used here
    };
    q = fill(heads.query * heads.dim);
    k = fill(heads.kv * heads.dim);
    v = fill(heads.kv * heads.dim);
  }

  // softmax(q K^T) V in f64, straight from the definition. `spread`, if given: softmax(q K^T) |V|.
  std::vector<float> exact(const AttentionOptions& options,
                           std::vector<float>* spread = nullptr) const {
    std::vector<float> out(length * heads.query * heads.dim);
    if (spread != nullptr) spread->resize(out.size());
    const std::uint32_t group = heads.query / heads.kv;
    std::vector<double> weights(length);
    for (std::uint32_t i = 0; i < length; ++i) {
      const std::uint32_t window = options.sliding_window;
      const std::uint32_t first = window != 0 && i + 1 > window ? i + 1 - window : 0;
      for (std::uint32_t h = 0; h < heads.query; ++h) {
        const float* query = &q[(i * heads.query + h) * heads.dim];
        double most = -1e300;
        for (std::uint32_t j = first; j <= i; ++j) {
          const float* key = &k[(j * heads.kv + h / group) * heads.dim];
          weights[j] = 0;
          for (std::uint32_t d = 0; d < heads.dim; ++d) weights[j] += double{query[d]} * key[d];
          weights[j] *= options.scale;
          most = std::max(most, weights[j]);
        }
        double sum = 0;
        for (std::uint32_t j = first; j <= i; ++j) sum += weights[j] = std::exp(weights[j] - most);
        for (std::uint32_t d = 0; d < heads.dim; ++d) {
          double total = 0;
          double size = 0;
          for (std::uint32_t j = first; j <= i; ++j) {
            const double term = weights[j] * v[(j * heads.kv + h / group) * heads.dim + d];
            total += term;
            size += std::abs(term);
          }
          const std::size_t at = (i * heads.query + h) * heads.dim + d;
          out[at] = static_cast<float>(total / sum);
          if (spread != nullptr) (*spread)[at] = static_cast<float>(size / sum);
        }
      }
    }
    return out;
  }

  Heads heads;
  std::uint32_t length;
  DType dtype;
  std::vector<float> q, k, v;  // [length, heads, dim]
};

// KV memory with its blocks in random order.
struct Paged {
  Paged(const Sequence& sequence, std::uint32_t block_size, std::uint32_t seed) {
    const std::uint32_t needed = (sequence.length + block_size - 1) / block_size;
    layout = {needed + 3, block_size, sequence.heads.kv, sequence.heads.dim, sequence.dtype};
    EXPECT_TRUE(layout.validate().ok());
    memory = Buffer::allocate(layout.bytes()).value();
    table.resize(layout.num_blocks);
    std::iota(table.begin(), table.end(), 0u);
    std::shuffle(table.begin(), table.end(), std::mt19937(seed));
    table.resize(needed);
  }
  KvLayout layout;
  Buffer memory;
  std::vector<std::uint32_t> table;
};

// Runs tokens [begin, begin + count) of the sequence as one chunk; its rows of `out` are written.
inline void run_chunk(const Context& context, const Sequence& sequence, Paged& paged,
                      std::uint32_t begin, std::uint32_t count, const AttentionOptions& options,
                      std::vector<float>& out) {
  const std::size_t q_width = sequence.heads.query * sequence.heads.dim;
  const std::size_t kv_width = sequence.heads.kv * sequence.heads.dim;
  const AttentionSequence chunk{0, count, begin + count, paged.table};
  store_kv(context, paged.layout, paged.memory.data(), {&chunk, 1},
           sequence.k.data() + begin * kv_width, kv_width, sequence.v.data() + begin * kv_width,
           kv_width, options.kv_scales);
  const OutputRows rows{out.data() + begin * q_width, DType::kF32, q_width};
  paged_attention(context, paged.layout, paged.memory.data(), {&chunk, 1},
                  sequence.q.data() + begin * q_width, q_width, sequence.heads.query, options,
                  rows);
}

inline std::vector<float> run_whole(const Context& context, const Sequence& sequence,
                                    std::uint32_t block_size, const AttentionOptions& options) {
  Paged paged(sequence, block_size, 5);
  std::vector<float> out(sequence.q.size());
  run_chunk(context, sequence, paged, 0, sequence.length, options, out);
  return out;
}

inline bool same_bits(const std::vector<float>& a, const std::vector<float>& b) {
  return a.size() == b.size() && std::memcmp(a.data(), b.data(), a.size() * sizeof(float)) == 0;
}

// What a set may differ from exact(): f32 sums over up to 512 terms and exp round, so that scores
// of size 10 carry errors near 1e-5, which weights and results inherit; and where weights are
// rounded to bf16 (attention.h), 2^-8 of the spread.
inline float tolerance(Isa isa, DType dtype, float spread) {
  const bool rounds = isa >= Isa::kAvx512Bf16 && (dtype != DType::kF32 && dtype != DType::kF16);
  return 4e-5F * std::max(1.0F, spread) + (rounds ? spread * 0x1.02p-8F : 0.0F);
}

}  // namespace nacelle::kernels::testing
