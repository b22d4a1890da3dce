// plan.h: how one product is cut into tasks. Nothing here can change a result: see gemm.h.
//
//   rows     tiles of nearly equal height; a block of tiles stays in the second-level cache
//   k        parts, where there is more than one tile: a part of a panel stays in the first level
//   columns  chunks of panels, whose sums of a block stay in the second level; a task is a block
//            times some chunks
#pragma once

#include <cstddef>

#include "kernels/gemm/gemm.h"
#include "kernels/gemm/panels.h"

namespace nacelle::kernels {

struct Plan {
  std::size_t m = 0;
  std::size_t num_tiles = 0;
  std::size_t tiles_per_block = 0;
  std::size_t num_blocks = 0;
  std::size_t num_steps = 0;
  std::size_t steps_per_part = 0;
  std::size_t num_panels = 0;
  std::size_t panels_per_chunk = 0;
  std::size_t panels_per_task = 0;
  std::size_t num_groups = 0;  // of tasks along the columns
  bool packed_int4 = false;    // few rows: int4 panels are read as they are

  [[nodiscard]] std::size_t num_tasks() const { return num_blocks * num_groups; }
  [[nodiscard]] std::size_t tile_begin(std::size_t tile) const { return tile * m / num_tiles; }
  [[nodiscard]] std::size_t tile_rows(std::size_t tile) const {
    return tile_begin(tile + 1) - tile_begin(tile);
  }
  [[nodiscard]] std::size_t steps_from(std::size_t step) const {
    return steps_per_part < num_steps - step ? steps_per_part : num_steps - step;
  }
  // Sums of one block and chunk.
  [[nodiscard]] std::size_t block_rows() const {
    return (m + num_tiles - 1) / num_tiles * tiles_per_block;
  }
};

// `fused`: pairs of panels end in one output. m > 0, k > 0, n > 0.
[[nodiscard]] Plan make_plan(const PanelLayout& layout, std::size_t m, std::size_t num_threads,
                             bool fused);

}  // namespace nacelle::kernels
