// linear_weight.h: the weight of one linear on its way from a checkpoint to a packed matrix.
//
// Dense (bf16, f16 or f32), int8 with a scale per row, or int4 in groups: what kernels/gemm packs.
// Whatever a checkpoint holds becomes one of the three. Small helpers turn one into another.
//
// Home:    one thread; conversions fan out on the pool.
// Errors:  resource_exhausted without memory; invalid_argument for a dense weight that has values
//          which are not finite when it is quantised.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <variant>
#include <vector>

#include "base/result.h"
#include "kernels/gemm/quantized_weight.h"
#include "kernels/worker_pool.h"
#include "model/weights.h"

namespace nacelle::model {

// Values are in `stored`, a tensor of the file, or else in `owned`.
struct Int8Linear {
  kernels::OwnedInt8Weight owned;  // values empty when they are in the file
  Weight stored;                   // I8 [n, k]
  [[nodiscard]] kernels::Int8Weight view() const;
};

// Column j of the weight multiplies input order[j]; empty: inputs as they come. A checkpoint that
// sorted its columns by importance has groups of columns that do not lie together.
struct Int4Linear {
  kernels::OwnedInt4Weight owned;  // values empty when they are in the file
  Weight stored;                   // n * k / 2 bytes
  std::vector<std::uint32_t> order;
  [[nodiscard]] kernels::Int4Weight view() const;
};

using LinearWeight = std::variant<Weight, Int8Linear, Int4Linear>;

// A dense [n, k] weight of `dtype`, made row by row: `fill` writes the k values of a row in f32.
// It may run on any thread of the pool; a row is one call.
[[nodiscard]] Result<Weight> dense_from_rows(
    std::size_t n, std::size_t k, DType dtype, WeightStore& store, kernels::WorkerPool& pool,
    const std::function<void(std::size_t row, std::span<float> values)>& fill);

// The weight with its scales multiplied in; a dense one comes back as it is.
[[nodiscard]] Result<Weight> to_dense(LinearWeight weight, DType dtype, WeightStore& store,
                                      kernels::WorkerPool& pool);

}  // namespace nacelle::model
