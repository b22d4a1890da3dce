// gemm_isa.h: what the packed product asks of one instruction set.
//
// Inside of kernels/gemm; included by the files compiled per instruction set, so plain data only.
#pragma once

#include <cstddef>
#include <cstdint>

#include "kernels/format.h"

namespace nacelle::kernels {

// Rows of activations as the micro-kernels read them: for each step of k, `num_rows` consecutive
// 32-bit words, one per row: an f32 value, or a pair of bf16 where pairs are multiplied.
//
// One tile of rows times `num_panels` neighbouring panels, over the steps [0, num_steps).
struct GemmTile {
  const std::uint32_t* a = nullptr;  // [num_steps][num_rows]
  const std::byte* panels = nullptr;
  std::size_t panel_bytes = 0;  // from one panel to the next
  std::size_t num_steps = 0;
  float* out = nullptr;  // row 0, first column of the first panel
  std::size_t out_row_stride = 0;
  std::size_t num_columns = 0;  // columns that exist; at most num_panels * panel_width
  std::size_t num_rows = 0;     // 1..max_rows
  const float* bias = nullptr;  // at the first column, added at the end; null: none
  bool accumulate = false;      // continue from the sums in `out` instead of 0
};

// Converts `num_rows` rows x [num_rows][row_stride] of k elements to the words of GemmTile::a, for
// elements [begin, begin + num_steps * step), with zeros beyond k.
struct GemmPackRows {
  const std::byte* x = nullptr;
  std::size_t row_stride_bytes = 0;
  std::size_t k = 0;
  std::size_t begin = 0;
  std::size_t num_steps = 0;
  std::size_t num_rows = 0;
  std::uint32_t* a = nullptr;
};

struct GemmKernels {
  std::size_t panel_width = 0;
  std::size_t step = 1;      // elements of k per step
  std::size_t max_rows = 0;  // of a tile
  void (*run)(const GemmTile& tile) = nullptr;
  void (*pack_rows)(const GemmPackRows& rows) = nullptr;
};

// The set's kernels for weights of `format`.
const GemmKernels* gemm_portable(Format format);
const GemmKernels* gemm_avx2(Format format);
const GemmKernels* gemm_avx512(Format format);
const GemmKernels* gemm_avx512bf16();

}  // namespace nacelle::kernels
