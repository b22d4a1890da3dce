// product.h: runs the tasks of a plan: packs rows, expands int4 panels, calls the set's tile kernel
// and, for the fused product, ends pairs of panels in silu(gate) * up.
//
// Inside of kernels/gemm. One object per call; its methods are called by the pool's tasks.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "kernels/activation/silu_mul_isa.h"
#include "kernels/gemm/gemm.h"
#include "kernels/gemm/panels.h"
#include "kernels/gemm/plan.h"

namespace nacelle::kernels {

struct Product {
  const PackedMatrix& weights;
  const PanelLayout& layout;
  const Plan& plan;
  const std::byte* x = nullptr;
  std::size_t x_row_stride_bytes = 0;
  const float* bias = nullptr;
  // One of the two is where results go.
  float* out = nullptr;
  std::size_t out_row_stride = 0;
  const OutputRows* silu_out = nullptr;
  SiluMulRow silu_mul = nullptr;

  // Memory of all tasks, from pool.scratch(): see use_scratch().
  std::uint32_t* words = nullptr;   // [part of k][row][step of the part]
  float* row_scales = nullptr;      // int8: [m]
  float* inverse_scales = nullptr;  // int8: [m]
  float* row_sums = nullptr;        // int4 with zero points: [tile][group][row of the tile]

  [[nodiscard]] std::size_t scratch_bytes() const;
  void use_scratch(std::byte* scratch);

  void pack_tile(std::size_t tile) const;
  void run_task(std::size_t task) const;

 private:
  struct Block;

  std::uint32_t* tile_words(std::size_t tile, std::size_t first_step) const;
  [[nodiscard]] bool one_by_one() const;
  void run_chunk(const Block& block) const;
  void run_panels(const Block& block, std::size_t panel, std::size_t count, std::size_t step) const;
  [[nodiscard]] std::span<const std::byte> next_weights(const Block& block, std::size_t panel,
                                                        std::size_t step) const;
  void finish_pairs(const Block& block) const;
  [[nodiscard]] std::size_t num_chains() const {
    return layout.group_size == 0 ? 0 : weights.k() / layout.group_size;
  }
};

}  // namespace nacelle::kernels
