// A plan covers its product exactly once, whatever the shape and the number of threads.
#include "kernels/gemm/plan.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

#include "kernels/isa.h"

namespace nacelle::kernels {
namespace {

struct Shape {
  std::size_t n, k;
};

constexpr std::size_t kRows[] = {1, 2, 3, 5, 13, 14, 15, 31, 32, 33, 129, 300, 600, 2048};
constexpr Shape kShapes[] = {{1, 32},       {2, 128},      {30, 96},     {64, 64},
                             {66, 1056},    {700, 1120},   {1310, 1664}, {6144, 1024},
                             {2048, 8192},  {16384, 2048}, {1024, 3072}, {4096, 32},
                             {32000, 4096}, {151936, 1024}};
constexpr std::size_t kThreads[] = {1, 2, 3, 8, 64};

struct Span {
  std::size_t begin, end;
};

// Non-empty and one behind the other from 0 to `end`.
void expect_tiling(const std::vector<Span>& spans, std::size_t end, const char* what) {
  std::size_t at = 0;
  for (const Span& span : spans) {
    ASSERT_EQ(span.begin, at) << what;
    ASSERT_GT(span.end, span.begin) << what;
    at = span.end;
  }
  ASSERT_EQ(at, end) << what;
}

// Pieces of `size`, the last one cut off, as run_task() and run_chunk() walk.
std::vector<Span> pieces(std::size_t begin, std::size_t end, std::size_t size) {
  std::vector<Span> out;
  for (std::size_t at = begin; at < end; at += size) out.push_back({at, std::min(end, at + size)});
  return out;
}

void check(const Plan& plan, const PanelLayout& layout, std::size_t m, bool fused) {
  const GemmKernels& kernels = *layout.kernels;
  std::vector<Span> tiles;
  for (std::size_t tile = 0; tile < plan.num_tiles; ++tile) {
    tiles.push_back({plan.tile_begin(tile), plan.tile_begin(tile) + plan.tile_rows(tile)});
    ASSERT_LE(plan.tile_rows(tile), plan.packed_int4 ? kernels.max_packed_rows : kernels.max_rows);
  }
  expect_tiling(tiles, m, "rows by tiles");

  const std::vector<Span> blocks = pieces(0, plan.num_tiles, plan.tiles_per_block);
  ASSERT_EQ(blocks.size(), plan.num_blocks);
  for (const Span& block : blocks) {  // its sums fit their memory
    ASSERT_LE(plan.tile_begin(block.end) - plan.tile_begin(block.begin), plan.block_rows());
  }

  std::vector<Span> parts;
  for (std::size_t step = 0; step < plan.num_steps; step += plan.steps_per_part) {
    parts.push_back({step, step + plan.steps_from(step)});
    ASSERT_EQ(step % kernels.part_steps, 0u);
    ASSERT_TRUE(layout.group_size == 0 || step * layout.step % layout.group_size == 0);
  }
  expect_tiling(parts, layout.num_steps, "k by parts");

  std::vector<Span> chunks;
  const std::vector<Span> tasks = pieces(0, plan.num_panels, plan.panels_per_task);
  ASSERT_EQ(tasks.size(), plan.num_groups);
  for (const Span& task : tasks) {
    for (const Span& chunk : pieces(task.begin, task.end, plan.panels_per_chunk)) {
      chunks.push_back(chunk);
      ASSERT_TRUE(!fused || (chunk.begin % 2 == 0 && chunk.end % 2 == 0)) << "a pair was cut";
    }
  }
  expect_tiling(chunks, layout.num_panels, "columns by chunks");
  ASSERT_EQ(plan.num_tasks(), blocks.size() * tasks.size());
}

TEST(GemmPlan, EveryElementBelongsToExactlyOneTask) {
  for (const Isa isa : supported_isas()) {
    if (isa == Isa::kReference) continue;  // has no plan
    for (const WeightFormat format :
         {WeightFormat::kBF16, WeightFormat::kInt8, WeightFormat::kInt4}) {
      for (const bool fused : {false, true}) {
        for (const Shape& shape : kShapes) {
          if (fused && shape.n % 2 != 0) continue;
          PackedMatrix::Description description{.n = shape.n, .k = shape.k, .format = format};
          description.isa = isa;
          if (fused) description.stacking = Stacking::kAlternatingPanels;
          if (format == WeightFormat::kInt4) description.group_size = 32;
          const PanelLayout layout = layout_of(description).value();
          ASSERT_GE(layout.num_panels * layout.width, shape.n);
          for (const std::size_t m : kRows) {
            for (const std::size_t threads : kThreads) {
              SCOPED_TRACE(fmt::format("{} {} m{} n{} k{} threads {}{}", to_string(isa),
                                       to_string(format), m, shape.n, shape.k, threads,
                                       fused ? " fused" : ""));
              check(make_plan(layout, m, threads, fused), layout, m, fused);
              if (testing::Test::HasFatalFailure()) return;
            }
          }
        }
      }
    }
  }
}

}  // namespace
}  // namespace nacelle::kernels
