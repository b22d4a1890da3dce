#include "kernels/gemm/plan.h"

#include <algorithm>

namespace nacelle::kernels {
namespace {

constexpr std::size_t kPanelCacheBytes = 24 << 10;  // part of a panel that stays in the L1 cache
constexpr std::size_t kRowsCacheBytes = 192 << 10;  // part of the rows that stays in the L2 cache
constexpr std::size_t kSumsCacheBytes = 384 << 10;  // sums of a block and chunk, beside them
constexpr std::size_t kMinTaskBytes = 64 << 10;     // weights that are worth handing to a thread
// The same where they stream by once: each task starts with a wait for memory.
constexpr std::size_t kMinStreamBytes = 256 << 10;
constexpr std::size_t kStreamsPerThread = 4;
constexpr std::size_t kTasksPerThread = 16;
constexpr std::size_t kPanelSet = 4;

std::size_t divide_up(std::size_t value, std::size_t by) { return (value + by - 1) / by; }
std::size_t round_up(std::size_t value, std::size_t to) { return divide_up(value, to) * to; }

}  // namespace

Plan make_plan(const PanelLayout& layout, std::size_t m, std::size_t num_threads, bool fused) {
  const GemmKernels& kernels = *layout.kernels;
  Plan plan;
  plan.m = m;
  plan.num_steps = layout.num_steps;
  plan.num_panels = layout.num_panels;
  plan.packed_int4 = kernels.run_packed != nullptr && m <= kernels.max_packed_rows;
  plan.num_tiles = plan.packed_int4 ? 1 : divide_up(m, kernels.max_rows);

  // Parts are whole groups, and nearly equal.
  const bool expands = kernels.expand != nullptr && !plan.packed_int4;
  const std::size_t unit = std::max(kernels.part_steps, layout.group_size / layout.step);
  plan.steps_per_part = plan.num_steps;
  if (plan.num_tiles > 1 || expands) {
    const std::size_t most =
        std::max<std::size_t>(1, kPanelCacheBytes / (kernels.step_bytes * unit));
    const std::size_t num_units = divide_up(plan.num_steps, unit);
    plan.steps_per_part = divide_up(num_units, divide_up(num_units, most)) * unit;
  }

  const std::size_t tile_bytes = kernels.max_rows * plan.steps_per_part * sizeof(std::uint32_t);
  const std::size_t most_tiles = std::max<std::size_t>(1, kRowsCacheBytes / tile_bytes);
  plan.num_blocks = divide_up(plan.num_tiles, most_tiles);
  plan.tiles_per_block = divide_up(plan.num_tiles, plan.num_blocks);

  const bool streams = plan.num_tiles == 1;
  const std::size_t least_bytes = streams ? kMinStreamBytes : kMinTaskBytes;
  const std::size_t least = std::max<std::size_t>(1, least_bytes / layout.panel_bytes);
  const std::size_t tasks =
      num_threads == 1 ? 1 : num_threads * (streams ? kStreamsPerThread : kTasksPerThread);
  const std::size_t groups = std::max<std::size_t>(1, tasks / plan.num_blocks);
  plan.panels_per_task = std::max(least, divide_up(plan.num_panels, groups));
  // Whole sets of panels: the one-row kernel reads four at once, pairs end in one output, and a
  // part of the rows that came to the L2 cache should serve several panels;
  // all rows do that where they are one block.
  const bool few_panels =
      plan.num_panels < kPanelSet * num_threads || (!streams && plan.num_blocks == 1);
  const std::size_t set = fused ? 2 : 1;
  plan.panels_per_task = round_up(plan.panels_per_task, few_panels ? set : kPanelSet);
  plan.num_groups = divide_up(plan.num_panels, plan.panels_per_task);

  const std::size_t panel_sums = plan.block_rows() * layout.width * sizeof(float);
  plan.panels_per_chunk = plan.panels_per_task;
  if (plan.num_tiles > 1 || fused || expands) {
    const std::size_t panels = std::max<std::size_t>(1, kSumsCacheBytes / (panel_sums * set)) * set;
    plan.panels_per_chunk = std::min(plan.panels_per_task, panels);
  }
  return plan;
}

}  // namespace nacelle::kernels
