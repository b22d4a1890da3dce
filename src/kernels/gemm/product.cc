#include "kernels/gemm/product.h"

#include <algorithm>

#include "base/check.h"
#include "tensor/buffer.h"

namespace nacelle::kernels {
namespace {

constexpr std::size_t kLineBytes = 64;

// Memory of the calling thread, kept between calls: one huge page. Contents are lost.
std::byte* thread_scratch(std::size_t size_bytes) {
  thread_local Buffer buffer;
  if (buffer.size() < size_bytes) {
    buffer = Buffer();
    Result<Buffer> larger = Buffer::allocate(std::max(size_bytes, std::size_t{2} << 20));
    CHECK(larger.ok());  // as in WorkerPool::scratch()
    buffer = std::move(larger).value();
  }
  return buffer.data();
}

std::size_t round_up(std::size_t value, std::size_t to) { return (value + to - 1) / to * to; }

// Asks for the `share`-th of `shares` pieces of memory that is needed soon.
void prefetch(std::span<const std::byte> memory, std::size_t share, std::size_t shares) {
  const std::size_t begin = share * memory.size() / shares / kLineBytes * kLineBytes;
  const std::size_t end = (share + 1) * memory.size() / shares;
  for (std::size_t at = begin; at < end; at += kLineBytes) {
    __builtin_prefetch(memory.data() + at, 0, 2);
  }
}

}  // namespace

// One block of tiles times one chunk of panels.
struct Product::Block {
  std::size_t tile_first;
  std::size_t tile_last;
  std::size_t panel_first;
  std::size_t panel_last;
  std::byte* expanded;  // int4: one part of one panel
  // Null: none are kept. Panels that are made one by one keep theirs together, [panel of the
  // chunk][row of the block][width], so that a tile's sums are neighbours: strides of whole pages
  // cost a fifth of the rate. Else [row of the block][panel of the chunk][width].
  float* sums;
  std::size_t sums_row_stride;
  std::size_t sums_panel_stride;

  [[nodiscard]] float* sums_of(std::size_t row_of_block, std::size_t panel) const {
    return sums + row_of_block * sums_row_stride + (panel - panel_first) * sums_panel_stride;
  }
};

std::size_t Product::scratch_bytes() const {
  const std::size_t floats = weights.format() == WeightFormat::kInt8 ? 2 * plan.m
                             : weights.description().has_zeros       ? plan.m * num_chains()
                                                                     : 0;
  return plan.m * plan.num_steps * sizeof(std::uint32_t) + floats * sizeof(float);
}

void Product::use_scratch(std::byte* scratch) {
  words = reinterpret_cast<std::uint32_t*>(scratch);
  auto* floats = reinterpret_cast<float*>(words + plan.m * plan.num_steps);
  if (weights.format() == WeightFormat::kInt8) {
    row_scales = floats;
    inverse_scales = floats + plan.m;
  } else if (weights.description().has_zeros) {
    row_sums = floats;
  }
}

// The words of `tile` within the part of k that starts at `first_step`.
std::uint32_t* Product::tile_words(std::size_t tile, std::size_t first_step) const {
  return words + first_step * plan.m + plan.tile_begin(tile) * plan.steps_from(first_step);
}

void Product::pack_tile(std::size_t tile) const {
  const GemmKernels& kernels = *layout.kernels;
  const std::size_t first_row = plan.tile_begin(tile);
  GemmPackRows rows;
  rows.x = x + first_row * x_row_stride_bytes;
  rows.row_stride_bytes = x_row_stride_bytes;
  rows.k = weights.k();
  rows.num_rows = plan.tile_rows(tile);
  if (row_scales != nullptr || row_sums != nullptr) {
    GemmMeasureRows measure{rows.x, rows.row_stride_bytes, rows.k, rows.num_rows};
    if (row_scales != nullptr) {
      measure.scales = row_scales + first_row;
      measure.inverse_scales = inverse_scales + first_row;
      rows.inverse_scales = measure.inverse_scales;
    } else {
      measure.sums = row_sums + first_row * num_chains();
      measure.group_size = layout.group_size;
    }
    kernels.measure_rows(measure);
  }
  for (std::size_t step = 0; step < plan.num_steps; step += plan.steps_per_part) {
    rows.begin = step * layout.step;
    rows.num_steps = plan.steps_from(step);
    rows.a = tile_words(tile, step);
    kernels.pack_rows(rows);
  }
}

// The weights that run_chunk() comes to after the part of `panel` at `step`: they arrive from
// memory while this part is at work.
std::span<const std::byte> Product::next_weights(const Block& block, std::size_t panel,
                                                 std::size_t step) const {
  if (++panel == block.panel_last) {
    step += plan.steps_per_part;
    if (step < plan.num_steps) {
      panel = block.panel_first;
    } else {
      step = 0;
    }
  }
  if (panel >= plan.num_panels) return {};
  const std::size_t begin = step * layout.panel_bytes / plan.num_steps;
  const std::size_t end = (step + plan.steps_from(step)) * layout.panel_bytes / plan.num_steps;
  return {weights.data() + panel * layout.panel_bytes + begin, end - begin};
}

// The block's tiles times panels [panel, panel + count) over the part of k that starts at `step`.
void Product::run_panels(const Block& block, std::size_t panel, std::size_t count,
                         std::size_t step) const {
  const GemmKernels& kernels = *layout.kernels;
  const std::size_t width = layout.width;
  const bool expands = kernels.expand != nullptr && !plan.packed_int4;
  const std::size_t chain = layout.group_size == 0 ? 0 : step * layout.step / layout.group_size;
  const std::byte* base = weights.data() + panel * layout.panel_bytes;

  GemmTile job;
  job.num_steps = plan.steps_from(step);
  job.last = step + job.num_steps >= plan.num_steps;
  job.panel_bytes = layout.panel_bytes;
  job.scales_panel_bytes = layout.panel_bytes;
  if (layout.group_size == 0) {
    job.panels = base + step * kernels.step_bytes;
    job.scales = base + layout.scales_at;
  } else {
    job.panels = base + chain * layout.group_bytes;
    job.scales = job.panels + layout.scales_at;
    job.group_steps = layout.group_size / layout.step;
    job.group_bytes = layout.group_bytes;
  }
  if (expands) {
    kernels.expand({job.panels, job.num_steps, job.group_steps, job.group_bytes, block.expanded});
    job.panels = block.expanded;
  }

  // Columns: those of the padded sums, or those that exist. Alternating parts come one by one.
  const bool alternating = weights.description().stacking == Stacking::kAlternatingPanels;
  const std::size_t part_columns = alternating ? weights.n() / 2 : weights.n();
  const std::size_t in_part = (alternating ? panel / 2 : panel) * width;
  const std::size_t column = (alternating ? panel % 2 * part_columns : 0) + in_part;
  const std::size_t existing = std::min(count * width, part_columns - in_part);
  const bool to_sums = silu_out != nullptr || !job.last;
  job.bias = bias != nullptr && job.last ? bias + column : nullptr;
  job.num_columns = to_sums && job.bias == nullptr ? count * width : existing;
  job.out_row_stride = to_sums ? block.sums_row_stride : out_row_stride;
  job.sums_row_stride = block.sums_row_stride;

  const std::size_t first_row = plan.tile_begin(block.tile_first);
  const std::size_t num_tiles = block.tile_last - block.tile_first;
  const std::span<const std::byte> next = next_weights(block, panel, step);
  for (std::size_t tile = block.tile_first; tile < block.tile_last; ++tile) {
    const std::size_t row = plan.tile_begin(tile);
    float* sums = nullptr;
    if (block.sums != nullptr) {
      sums = block.sums_of(row - first_row, panel);
    }
    job.a = tile_words(tile, step);
    job.num_rows = plan.tile_rows(tile);
    job.sums = step != 0 ? sums : nullptr;
    job.out = to_sums ? sums : out + row * out_row_stride + column;
    if (row_scales != nullptr) job.row_scales = row_scales + row;
    if (row_sums != nullptr) job.row_sums = row_sums + row * num_chains() + chain * job.num_rows;
    if (num_tiles > 1) prefetch(next, tile - block.tile_first, num_tiles);
    if (num_tiles > 1 && !to_sums && tile + 1 < block.tile_last) {
      const float* place = job.out + job.num_rows * out_row_stride;
      for (std::size_t r = 0; r < plan.tile_rows(tile + 1); ++r, place += out_row_stride) {
        for (std::size_t i = 0; i < job.num_columns; i += 16) __builtin_prefetch(place + i, 1);
      }
    }
    plan.packed_int4 ? kernels.run_packed(job) : kernels.run(job);
  }
}

// One call for all panels where their weights stream by once and their outputs are neighbours.
bool Product::one_by_one() const {
  const bool expands = layout.kernels->expand != nullptr && !plan.packed_int4;
  const bool alternating = weights.description().stacking == Stacking::kAlternatingPanels;
  return plan.num_tiles > 1 || expands || (alternating && (silu_out == nullptr || bias != nullptr));
}

void Product::run_chunk(const Block& block) const {
  const std::size_t stride = one_by_one() ? 1 : block.panel_last - block.panel_first;
  for (std::size_t step = 0; step < plan.num_steps; step += plan.steps_per_part) {
    for (std::size_t panel = block.panel_first; panel < block.panel_last; panel += stride) {
      run_panels(block, panel, stride, step);
    }
  }
  if (silu_out != nullptr) finish_pairs(block);
}

void Product::finish_pairs(const Block& block) const {
  const std::size_t width = layout.width;
  const std::size_t half = weights.n() / 2;
  const Format format = format_of(silu_out->dtype);
  const std::size_t first_row = plan.tile_begin(block.tile_first);
  const std::size_t last_row = plan.tile_begin(block.tile_last);
  for (std::size_t row = first_row; row < last_row; ++row) {
    for (std::size_t panel = block.panel_first; panel < block.panel_last; panel += 2) {
      const float* gate = block.sums_of(row - first_row, panel);
      const float* up = gate + block.sums_panel_stride;
      const std::size_t column = panel / 2 * width;
      void* place = row_at(silu_out->data, format, 1, row * silu_out->row_stride + column);
      silu_mul(gate, up, std::min(width, half - column), place, format);
    }
  }
}

void Product::run_task(std::size_t task) const {
  const std::size_t index = task % plan.num_blocks;
  const std::size_t panel_first = task / plan.num_blocks * plan.panels_per_task;
  const std::size_t panel_last = std::min(plan.num_panels, panel_first + plan.panels_per_task);
  const std::size_t expanded_bytes =
      round_up(layout.kernels->expand == nullptr || plan.packed_int4
                   ? 0
                   : plan.steps_per_part * layout.kernels->step_bytes,
               kLineBytes);
  Block block;
  block.tile_first = index * plan.tiles_per_block;
  block.tile_last = std::min(plan.num_tiles, block.tile_first + plan.tiles_per_block);
  const bool together = one_by_one();
  block.sums_row_stride = together ? layout.width : plan.panels_per_chunk * layout.width;
  block.sums_panel_stride = together ? plan.block_rows() * layout.width : layout.width;
  const bool needs_sums = silu_out != nullptr || plan.steps_per_part < plan.num_steps;
  const std::size_t sums_bytes =
      needs_sums ? plan.block_rows() * plan.panels_per_chunk * layout.width * sizeof(float) : 0;
  block.expanded = thread_scratch(expanded_bytes + sums_bytes);
  block.sums = needs_sums ? reinterpret_cast<float*>(block.expanded + expanded_bytes) : nullptr;
  for (std::size_t panel = panel_first; panel < panel_last; panel += plan.panels_per_chunk) {
    block.panel_first = panel;
    block.panel_last = std::min(panel_last, panel + plan.panels_per_chunk);
    run_chunk(block);
  }
  if (layout.kernels->end_task != nullptr) layout.kernels->end_task();
}

}  // namespace nacelle::kernels
