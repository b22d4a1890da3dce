// work.h: how many operations and bytes a case is, by formula.
//
// Operations: a multiply-add is two. Only what the result needs is counted: no padding, no score
// above the diagonal, no layer output that nobody asked for.
// Bytes: each input and output once, as if caches were perfect between uses and empty at the start.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "kernels/gemm/gemm.h"
#include "model/config.h"
#include "tensor/dtype.h"

namespace nacelle::yardstick {

struct Work {
  double operations = 0;
  double bytes = 0;
  friend bool operator==(const Work&, const Work&) = default;
};

inline constexpr std::size_t kInt4Group = 128;

// Bytes of an [n, k] weight: values and scales (f32; one a row for int8, one a group for int4).
[[nodiscard]] double weight_bytes(kernels::WeightFormat format, std::size_t n, std::size_t k);

// out[m, n] (f32) = x[m, k] (bf16) times a weight:  2 m k n;  weight + 2 m k + 4 m n.
[[nodiscard]] Work gemm_work(kernels::WeightFormat format, std::size_t m, std::size_t k,
                             std::size_t n);
// out[m, n / 2] (bf16) = silu(gate) * up:  2 m k n;  weight + 2 m k + m n.
[[nodiscard]] Work gemm_silu_mul_work(kernels::WeightFormat format, std::size_t m, std::size_t k,
                                      std::size_t n);

// New tokens of one sequence: positions [context - queries, context).
struct Span {
  std::uint32_t queries = 0;
  std::uint32_t context = 0;
};

struct AttentionShape {
  std::uint32_t heads = 0;
  std::uint32_t kv_heads = 0;
  std::uint32_t head_dim = 0;
};

// How K and V are kept, and how many first positions all sequences of a batch have in common.
struct KvUse {
  DType dtype = DType::kBF16;  // bf16, f8_e4m3 or i8
  std::uint32_t shared = 0;
};
// Bytes of one position's K and V: those of int8 have a scale of four bytes a head each.
[[nodiscard]] double kv_bytes(const AttentionShape& shape, DType dtype);

// Position p sees p + 1 keys:  4 heads head_dim sum(p + 1);  K and V, shared ones once, + q (f32) +
// out (bf16).
[[nodiscard]] Work attention_work(const AttentionShape& shape, std::span<const Span> sequences,
                                  const KvUse& kv = {});

// An op that goes over `values` outputs: operations and bytes in and out of each.
[[nodiscard]] Work row_work(std::size_t values, const Work& each);

// A forward pass with logits of each sequence's last token. `rows` tokens in all:
//   operations: 2 rows (weights of all layers but the last) + the last layer: q, k, v for all rows,
//     the rest for the last tokens + 2 sequences hidden vocab + attention of each layer likewise
//   bytes: weights and LM head once, embedding rows, and K and V that are read and written. The LM
//     head has the format of the weights; that of an int4 model is int8, as such a model is loaded
[[nodiscard]] Work model_work(const model::ModelConfig& config, kernels::WeightFormat format,
                              std::span<const Span> sequences);

}  // namespace nacelle::yardstick
