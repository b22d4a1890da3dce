// gemm.h: activations times weights, the op that nearly all time goes to.
//
//   out[m, n] = x[m, k] * W[n, k]^T + bias[n]        f32 accumulation and result
//
// A PackedMatrix holds one or more weights of the checkpoint, stacked along n (q, k and v; gate and
// up), in the order in which one instruction set's kernel reads them. Packing happens once, at
// load.
//
// Batch invariance: an output element is one chain of multiply-adds over ascending k (per group for
// int4, exact for int8). The chain does not depend on m, on the row's place, on n or on threads, so
// a row alone and the same row among others give equal bits.
//
// int8 (W8A8): each row of x is quantised on its own, symmetric: q = round(x * (127 / max |x|)) to
// nearest even. Then out = float(sum of q w) * (x_scale * w_scale) + bias, x_scale = max |x| / 127,
// with an exact sum of int32 and these float operations in this order: every set gives equal bits.
// A row with a NaN or an infinity is NaN throughout; a row below 2^-100 counts as zeros.
// Source: vLLM's dynamic per-token int8.
//
// int4 (W4A16): per group, chain = sum of (q - 8) x in f32, then total = fma(chain, scale, total)
// over ascending groups and, with zero points, total = fma(sum of the group's x, (8 - zero) *
// scale, total). Groups of more than 128 elements are several chains with one scale.
//
// Layout: panels of panel_width() columns, zero padded. Weights as the activations: [ceil(k /
// step)][panel_width][step] elements; step is 2 for bf16 from kAvx512Bf16 on (a vdpbf16ps operand,
// and the tile order of AMX, where k is padded to whole tiles), else 1. int8: the same with step 4
// (VNNI, AMX) or 2, then [panel_width] f32 scales and [panel_width] int32, 128 * the column's sum.
// int4: per chain [chain / 8][panel_width] words of eight (tile_int4.inc has the order of the
// bits), [panel_width] f32 scales and, with zero points, [panel_width] f32 (8 - zero) * scale.
// kReference keeps rows as they are: panels of one. Alternating panels pad each part to whole
// panels; n() counts the columns that exist.
//
// Tolerance between sets: each of the k roundings is at most half a unit of the partial sum, so
// |difference| <= k * 2^-24 * sum |x w|; from kAvx512Bf16 on, subnormals count as zero in products
// of bf16. On kAmx a link of the chain is 32 elements of k: the even and the odd ones, each summed
// from zero, then added. int8: none. int4: 2 (128 + 2 k / chain) * 2^-24 * sum |x| scale (|q - 8| +
// |8 - zero|).
//
// Home:    pack() and gemm() on the caller thread of the pool; a packed matrix is immutable.
//          gemm() allocates nothing once the pool's and the threads' scratch has its size.
// Errors:  pack() returns invalid_argument for parts that do not fit together or more than 131072
//          int8 columns (k), unimplemented for a dtype that is not bf16, f16 or f32,
//          resource_exhausted without memory. gemm() cannot fail.
// Source:  Goto and van de Geijn (2008), "Anatomy of high-performance matrix multiplication".
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string_view>

#include "base/result.h"
#include "kernels/gemm/quantized_weight.h"
#include "kernels/isa.h"
#include "kernels/rows.h"
#include "kernels/worker_pool.h"
#include "tensor/dtype.h"
#include "tensor/tensor_view.h"

namespace nacelle::kernels {

// How the elements of a packed weight are stored.
enum class WeightFormat : std::uint8_t { kF32, kBF16, kF16, kInt8, kInt4 };
[[nodiscard]] std::string_view to_string(WeightFormat format);

// How several parts lie along n.
enum class Stacking : std::uint8_t {
  kOneAfterTheOther,   // q, k and v: columns in the order of the parts
  kAlternatingPanels,  // gate and up: a panel of the first, a panel of the second; two equal parts
};

class PackedMatrix {
 public:
  // Everything but the bytes: what a file must repeat for the bytes to mean the same.
  struct Description {
    std::size_t n = 0;
    std::size_t k = 0;
    DType dtype = DType::kBF16;  // of the activations that it multiplies
    WeightFormat format = WeightFormat::kBF16;
    Stacking stacking = Stacking::kOneAfterTheOther;
    Isa isa = Isa::kReference;
    std::size_t group_size = 0;  // kInt4: elements of k that share a scale
    bool has_zeros = false;      // kInt4: groups have their own zero points
    friend bool operator==(const Description&, const Description&) = default;
  };

  PackedMatrix() = default;  // n() == k() == 0

  // Each part is [n_i, k], row-major, all of one dtype and one k. n is the sum of the n_i. The
  // parts are not needed afterwards.
  [[nodiscard]] static Result<PackedMatrix> pack(std::span<const TensorView> parts, Isa isa,
                                                 WorkerPool& pool,
                                                 Stacking stacking = Stacking::kOneAfterTheOther);
  // Quantised parts; `dtype` is that of the activations (bf16, f16 or f32).
  [[nodiscard]] static Result<PackedMatrix> pack(std::span<const Int8Weight> parts, DType dtype,
                                                 Isa isa, WorkerPool& pool,
                                                 Stacking stacking = Stacking::kOneAfterTheOther);
  [[nodiscard]] static Result<PackedMatrix> pack(std::span<const Int4Weight> parts, DType dtype,
                                                 Isa isa, WorkerPool& pool,
                                                 Stacking stacking = Stacking::kOneAfterTheOther);
  // A matrix whose bytes were packed before (data() of one with the same description) and live in
  // memory that `owner` keeps, such as a mapped file. data_loss when the size does not fit,
  // failed_precondition for a set that this machine lacks, invalid_argument for a description that
  // pack() cannot make or an address that is not a multiple of 64.
  [[nodiscard]] static Result<PackedMatrix> adopt(const Description& description,
                                                  std::span<const std::byte> bytes,
                                                  std::shared_ptr<const void> owner);

  [[nodiscard]] const Description& description() const { return description_; }
  [[nodiscard]] std::size_t n() const { return description_.n; }
  [[nodiscard]] std::size_t k() const { return description_.k; }
  [[nodiscard]] DType dtype() const { return description_.dtype; }  // of the activations
  [[nodiscard]] WeightFormat format() const { return description_.format; }
  [[nodiscard]] Isa isa() const { return description_.isa; }
  [[nodiscard]] std::size_t panel_width() const { return panel_width_; }
  [[nodiscard]] std::size_t panel_bytes() const { return panel_bytes_; }
  [[nodiscard]] std::size_t size_bytes() const { return bytes_.size(); }
  [[nodiscard]] const std::byte* data() const { return bytes_.data(); }

 private:
  PackedMatrix(const Description& description, std::size_t panel_width, std::size_t panel_bytes,
               std::span<const std::byte> bytes, std::shared_ptr<const void> owner);

  Description description_;
  std::size_t panel_width_ = 1;
  std::size_t panel_bytes_ = 0;
  std::span<const std::byte> bytes_;
  std::shared_ptr<const void> owner_;
};

// x: [m, weights.k()] in weights.dtype(), rows x_row_stride elements apart, aligned to the element.
// bias: [weights.n()] or null. out: [m, weights.n()], rows out_row_stride elements apart, may not
// overlap x. Nothing beyond the n columns of a row is written. m may be 0.
void gemm(WorkerPool& pool, const void* x, std::size_t x_row_stride, std::size_t m,
          const PackedMatrix& weights, const float* bias, float* out, std::size_t out_row_stride);

// out[m, n / 2] = silu(gate) * up, where weights hold gate and up as kAlternatingPanels: one pass
// over x, and the product in f32 never leaves the cache. bias: [n], gate's first, or null. The
// result is rounded to out.dtype; out may not overlap x. The bits are those of gemm(), then
// silu_mul() (activation/).
void gemm_silu_mul(WorkerPool& pool, const void* x, std::size_t x_row_stride, std::size_t m,
                   const PackedMatrix& weights, const float* bias, const OutputRows& out);

// The next product of m rows, after others, reads these weights: see WorkerPool::read_ahead(). Says
// nothing where many rows make the reading a small part.
void read_ahead(WorkerPool& pool, const PackedMatrix& weights, std::size_t m);

}  // namespace nacelle::kernels
