#include "kernels/gemm/gemm.h"

#include <algorithm>

#include "base/check.h"
#include "kernels/format.h"
#include "kernels/gemm/panels.h"
#include "kernels/gemm/reference.h"

namespace nacelle::kernels {
namespace {

constexpr std::size_t kPanelCacheBytes = 24 << 10;  // part of a panel that stays in the L1 cache
constexpr std::size_t kRowsCacheBytes = 384 << 10;  // part of the rows that stays in the L2 cache
constexpr std::size_t kMinTaskBytes = 64 << 10;     // weights that are worth handing to a thread

std::size_t divide_up(std::size_t value, std::size_t by) { return (value + by - 1) / by; }

// How one product is cut. Rows are cut into tiles of nearly equal height, k into blocks of steps
// where there is more than one tile. Nothing here can change a result: see gemm.h.
struct Plan {
  std::size_t num_tiles;
  std::size_t tiles_per_block;  // tiles that one task runs over its panels
  std::size_t num_blocks;
  std::size_t num_steps;
  std::size_t steps_per_part;
  std::size_t num_panels;
  std::size_t panels_per_task;
  std::size_t num_groups;
};

Plan make_plan(const GemmKernels& kernels, const PackedMatrix& weights, std::size_t m,
               std::size_t num_threads) {
  Plan plan{};
  plan.num_tiles = divide_up(m, kernels.max_rows);
  plan.num_steps = divide_up(weights.k(), kernels.step);
  plan.steps_per_part = plan.num_steps;
  if (plan.num_tiles > 1) {
    const std::size_t step_bytes = kernels.panel_width * kernels.step * size_of(weights.dtype());
    const std::size_t most = std::max<std::size_t>(1, kPanelCacheBytes / step_bytes);
    plan.steps_per_part = divide_up(plan.num_steps, divide_up(plan.num_steps, most));
  }
  const std::size_t tile_bytes = kernels.max_rows * plan.steps_per_part * sizeof(std::uint32_t);
  plan.tiles_per_block = std::max<std::size_t>(1, kRowsCacheBytes / tile_bytes);
  plan.num_blocks = divide_up(plan.num_tiles, plan.tiles_per_block);
  plan.num_panels = divide_up(weights.n(), weights.panel_width());

  const std::size_t least = std::max<std::size_t>(1, kMinTaskBytes / weights.panel_bytes());
  const std::size_t tasks = num_threads == 1 ? 1 : num_threads * 6;
  const std::size_t groups = std::max<std::size_t>(1, tasks / plan.num_blocks);
  plan.panels_per_task = std::max(least, divide_up(plan.num_panels, groups));
  // Whole sets of four panels: the one-row kernel reads four at once.
  plan.panels_per_task = divide_up(plan.panels_per_task, 4) * 4;
  plan.num_groups = divide_up(plan.num_panels, plan.panels_per_task);
  return plan;
}

std::size_t tile_begin(const Plan& plan, std::size_t m, std::size_t tile) {
  return tile * m / plan.num_tiles;
}

struct Product {
  const GemmKernels& kernels;
  const Plan& plan;
  const PackedMatrix& weights;
  const std::byte* x;
  std::size_t x_row_stride_bytes;
  std::size_t m;
  const float* bias;
  float* out;
  std::size_t out_row_stride;
  std::uint32_t* words;  // [part of k][row][step], a tile's rows interleaved per step

  // The words of `tile` within the part of k that starts at `first_step`.
  std::uint32_t* tile_words(std::size_t tile, std::size_t first_step) const {
    const std::size_t steps = steps_from(first_step);
    return words + first_step * m + tile_begin(plan, m, tile) * steps;
  }
  std::size_t steps_from(std::size_t first_step) const {
    return std::min(plan.steps_per_part, plan.num_steps - first_step);
  }
  std::size_t tile_rows(std::size_t tile) const {
    return tile_begin(plan, m, tile + 1) - tile_begin(plan, m, tile);
  }

  void pack_tile(std::size_t tile) const {
    for (std::size_t step = 0; step < plan.num_steps; step += plan.steps_per_part) {
      GemmPackRows rows;
      rows.x = x + tile_begin(plan, m, tile) * x_row_stride_bytes;
      rows.row_stride_bytes = x_row_stride_bytes;
      rows.k = weights.k();
      rows.begin = step * kernels.step;
      rows.num_steps = steps_from(step);
      rows.num_rows = tile_rows(tile);
      rows.a = tile_words(tile, step);
      kernels.pack_rows(rows);
    }
  }

  // Tiles [tile_first, tile_last) times panels [first_panel, first_panel + num_panels) over the
  // part of k that starts at `step`.
  void run_tiles(std::size_t tile_first, std::size_t tile_last, std::size_t first_panel,
                 std::size_t num_panels, std::size_t step) const {
    const std::size_t width = weights.panel_width();
    const std::size_t column = first_panel * width;
    const bool last_part = step + plan.steps_per_part >= plan.num_steps;
    GemmTile job;
    job.panels = weights.data() + first_panel * weights.panel_bytes() +
                 step * width * kernels.step * size_of(weights.dtype());
    job.panel_bytes = weights.panel_bytes();
    job.num_steps = steps_from(step);
    job.out_row_stride = out_row_stride;
    job.num_columns = std::min(num_panels * width, weights.n() - column);
    job.bias = bias != nullptr && last_part ? bias + column : nullptr;
    job.accumulate = step != 0;
    for (std::size_t tile = tile_first; tile < tile_last; ++tile) {
      job.a = tile_words(tile, step);
      job.out = out + tile_begin(plan, m, tile) * out_row_stride + column;
      job.num_rows = tile_rows(tile);
      kernels.run(job);
    }
  }

  void run_task(std::size_t task) const {
    const std::size_t block = task % plan.num_blocks;
    const std::size_t panel_first = task / plan.num_blocks * plan.panels_per_task;
    const std::size_t panel_last = std::min(plan.num_panels, panel_first + plan.panels_per_task);
    const std::size_t tile_first = block * plan.tiles_per_block;
    const std::size_t tile_last = std::min(plan.num_tiles, tile_first + plan.tiles_per_block);
    if (plan.num_tiles == 1) {  // few rows: the weights stream by once
      run_tiles(0, 1, panel_first, panel_last - panel_first, 0);
      return;
    }
    for (std::size_t step = 0; step < plan.num_steps; step += plan.steps_per_part) {
      for (std::size_t panel = panel_first; panel < panel_last; ++panel) {
        run_tiles(tile_first, tile_last, panel, 1, step);
      }
    }
  }
};

void fill_with_bias(std::size_t m, std::size_t n, const float* bias, float* out,
                    std::size_t out_row_stride) {
  for (std::size_t row = 0; row < m; ++row) {
    for (std::size_t j = 0; j < n; ++j) {
      out[row * out_row_stride + j] = bias == nullptr ? 0.0F : bias[j];
    }
  }
}

}  // namespace

void gemm(WorkerPool& pool, const void* x, std::size_t x_row_stride, std::size_t m,
          const PackedMatrix& weights, const float* bias, float* out, std::size_t out_row_stride) {
  if (m == 0 || weights.n() == 0) return;
  if (weights.k() == 0) {
    fill_with_bias(m, weights.n(), bias, out, out_row_stride);
    return;
  }
  const Format format = format_of(weights.dtype());
  const GemmKernels* kernels = gemm_kernels(weights.isa(), format);
  if (kernels == nullptr) {
    const std::size_t grain = std::max<std::size_t>(1, 65536 / (weights.k() * m));
    pool.run_ranges(weights.n(), grain, [&](std::size_t begin, std::size_t end) {
      gemm_reference(static_cast<const std::byte*>(x), x_row_stride, m, weights.data(), weights.k(),
                     format, begin, end, bias, out, out_row_stride);
    });
    return;
  }
  const Plan plan = make_plan(*kernels, weights, m, pool.num_threads());
  std::byte* scratch = pool.scratch(m * plan.num_steps * sizeof(std::uint32_t));
  const Product product{*kernels,
                        plan,
                        weights,
                        static_cast<const std::byte*>(x),
                        x_row_stride * size_of(weights.dtype()),
                        m,
                        bias,
                        out,
                        out_row_stride,
                        reinterpret_cast<std::uint32_t*>(scratch)};
  const std::size_t pack_grain = 65536 / (plan.num_steps * kernels->max_rows) + 1;
  pool.run_ranges(plan.num_tiles, pack_grain, [&](std::size_t begin, std::size_t end) {
    for (std::size_t tile = begin; tile < end; ++tile) product.pack_tile(tile);
  });
  pool.run(plan.num_blocks * plan.num_groups, [&](std::size_t task) { product.run_task(task); });
}

}  // namespace nacelle::kernels
