#include "kernels/gemm/gemm.h"

#include <algorithm>

#include "base/check.h"
#include "kernels/format.h"
#include "kernels/gemm/panels.h"
#include "kernels/gemm/plan.h"
#include "kernels/gemm/product.h"
#include "kernels/gemm/reference.h"

namespace nacelle::kernels {
namespace {

constexpr std::size_t kMinPackWords = 8192;  // of rows: worth handing to a thread

void run_product(WorkerPool& pool, Product& product) {
  const Plan& plan = product.plan;
  product.use_scratch(pool.scratch(product.scratch_bytes()));
  const std::size_t tile_words = plan.num_steps * product.layout.kernels->max_rows;
  const std::size_t grain = kMinPackWords / tile_words + 1;
  pool.run_ranges(plan.num_tiles, grain, [&](std::size_t begin, std::size_t end) {
    for (std::size_t tile = begin; tile < end; ++tile) product.pack_tile(tile);
  });
  pool.run(plan.num_tasks(), [&](std::size_t task) { product.run_task(task); });
}

void fill_with_bias(std::size_t m, std::size_t n, const float* bias, float* out,
                    std::size_t out_row_stride) {
  for (std::size_t row = 0; row < m; ++row) {
    for (std::size_t j = 0; j < n; ++j) {
      out[row * out_row_stride + j] = bias == nullptr ? 0.0F : bias[j];
    }
  }
}

constexpr std::size_t kFewRows = 16;
constexpr std::size_t kAheadBytes = 256 << 10;  // beside what else the L2 cache holds

}  // namespace

void read_ahead(WorkerPool& pool, const PackedMatrix& weights, std::size_t m) {
  if (m == 0 || m > kFewRows || weights.size_bytes() == 0) return;
  const PanelLayout layout = layout_of(weights.description()).value();
  if (layout.kernels == nullptr) return;
  const bool fused = weights.description().stacking == Stacking::kAlternatingPanels;
  const Plan plan = make_plan(layout, m, pool.num_threads(), fused);
  const std::size_t task_bytes = plan.panels_per_task * layout.panel_bytes;
  pool.read_ahead({weights.data(), task_bytes, std::min(task_bytes, kAheadBytes)});
}

void gemm(WorkerPool& pool, const void* x, std::size_t x_row_stride, std::size_t m,
          const PackedMatrix& weights, const float* bias, float* out, std::size_t out_row_stride) {
  if (m == 0 || weights.n() == 0) return;
  if (weights.k() == 0) {
    fill_with_bias(m, weights.n(), bias, out, out_row_stride);
    return;
  }
  const auto* rows = static_cast<const std::byte*>(x);
  const PanelLayout layout = layout_of(weights.description()).value();
  if (layout.kernels == nullptr) {
    gemm_reference(pool, rows, x_row_stride, m, weights, bias, out, out_row_stride);
    return;
  }
  const Plan plan = make_plan(layout, m, pool.num_threads(), false);
  Product product{weights, layout, plan, rows, x_row_stride * size_of(weights.dtype()), bias};
  product.out = out;
  product.out_row_stride = out_row_stride;
  run_product(pool, product);
}

void gemm_silu_mul(WorkerPool& pool, const void* x, std::size_t x_row_stride, std::size_t m,
                   const PackedMatrix& weights, const float* bias, const OutputRows& out) {
  CHECK(weights.description().stacking == Stacking::kAlternatingPanels);
  if (m == 0 || weights.n() == 0) return;
  const auto* rows = static_cast<const std::byte*>(x);
  const PanelLayout layout = layout_of(weights.description()).value();
  if (layout.kernels == nullptr || weights.k() == 0) {
    gemm_silu_mul_reference(pool, rows, x_row_stride, m, weights, bias, out);
    return;
  }
  const Plan plan = make_plan(layout, m, pool.num_threads(), true);
  Product product{weights, layout, plan, rows, x_row_stride * size_of(weights.dtype()), bias};
  product.silu_out = &out;
  product.silu_mul = silu_mul_row(weights.isa());
  run_product(pool, product);
}

}  // namespace nacelle::kernels
