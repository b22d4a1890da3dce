// gemm_isa.h: what the packed product asks of one instruction set, for one kind of weights and one
// format of activations.
//
// Inside of kernels/gemm; included by the files compiled per instruction set, so plain data only.
//
// k is walked in steps of `step` elements. Rows of activations become 32-bit words, one per row and
// step (an f32, a pair of bf16, four bytes); each set writes and reads the words of a tile in the
// order that suits it, [num_steps][num_rows] for the vector sets. Work is handed out as parts: some
// whole `part_steps` of k.
#pragma once

#include <cstddef>
#include <cstdint>

#include "kernels/format.h"

namespace nacelle::kernels {

// One tile of rows times neighbouring panels, over the steps of one part.
struct GemmTile {
  const std::uint32_t* a = nullptr;   // the part's words of the tile
  const std::byte* panels = nullptr;  // the first panel, at the part's first step
  std::size_t panel_bytes = 0;        // from one panel to the next
  std::size_t num_steps = 0;
  // Sums of the parts before, as `out` of their calls left them, at the first column; null: 0.
  const float* sums = nullptr;
  std::size_t sums_row_stride = 0;
  float* out = nullptr;  // row 0, first column of the first panel
  std::size_t out_row_stride = 0;
  std::size_t num_columns = 0;  // columns that exist; panels = ceil(num_columns / panel_width)
  std::size_t num_rows = 0;     // 1..max_rows
  // The last part: `out` gets results. Else it gets sums (int8: bits of int32).
  bool last = false;
  const float* bias = nullptr;  // at the first column, added at the end; null: none

  // int8. Scales of the columns, [panel_width] f32, behind them 128 * (sum of the column's values)
  // as [panel_width] int32; the next panel's are scales_panel_bytes further. int4: the part's first
  // group, [panel_width] f32, then the offsets (8 - zero) * scale where there are zero points; the
  // next group's are group_bytes further.
  const std::byte* scales = nullptr;
  std::size_t scales_panel_bytes = 0;
  const float* row_scales = nullptr;  // int8: [num_rows]
  const float* row_sums = nullptr;    // int4 with zero points: [groups of the part][num_rows]
  std::size_t group_steps = 0;        // int4: steps per group
  std::size_t group_bytes = 0;        // int4: from one packed group to the next
};

// Converts rows of k elements to the words of GemmTile::a, for elements
// [begin, begin + num_steps * step), with zeros beyond k.
struct GemmPackRows {
  const std::byte* x = nullptr;
  std::size_t row_stride_bytes = 0;
  std::size_t k = 0;
  std::size_t begin = 0;
  std::size_t num_steps = 0;
  std::size_t num_rows = 0;
  const float* inverse_scales = nullptr;  // int8: [num_rows], from measure_rows
  std::uint32_t* a = nullptr;
};

// What a row needs to be known of as a whole.
struct GemmMeasureRows {
  const std::byte* x = nullptr;
  std::size_t row_stride_bytes = 0;
  std::size_t k = 0;
  std::size_t num_rows = 0;
  float* scales = nullptr;          // int8: [num_rows], max |x| / 127; see gemm.h for the ends
  float* inverse_scales = nullptr;  // int8: [num_rows], 127 / max |x|
  float* sums = nullptr;            // int4: [k / group_size][num_rows], sum of x
  std::size_t group_size = 0;
};

// Turns a part of a packed int4 panel into what `run` reads: [num_steps][panel_width][step].
struct GemmExpand {
  const std::byte* panel = nullptr;  // at the part's first group
  std::size_t num_steps = 0;
  std::size_t group_steps = 0;
  std::size_t group_bytes = 0;
  std::byte* target = nullptr;  // num_steps * step_bytes, aligned to 64
};

struct GemmKernels {
  std::size_t panel_width = 0;
  std::size_t step = 1;        // elements of k per step
  std::size_t part_steps = 1;  // panels and parts are whole multiples of these
  std::size_t step_bytes = 0;  // of a panel as `run` reads it
  std::size_t max_rows = 0;    // of a tile
  void (*run)(const GemmTile& tile) = nullptr;
  void (*pack_rows)(const GemmPackRows& rows) = nullptr;
  void (*measure_rows)(const GemmMeasureRows& rows) = nullptr;  // int8 and int4
  // int4: `run` reads expanded panels; `run_packed` reads packed ones, for few rows.
  void (*expand)(const GemmExpand& part) = nullptr;
  void (*run_packed)(const GemmTile& tile) = nullptr;
  std::size_t max_packed_rows = 0;
};

// The set's kernels: weights in the activations' format; int8 and int4 weights.
const GemmKernels* gemm_avx2(Format x);
const GemmKernels* gemm_avx512(Format x);
const GemmKernels* gemm_avx512bf16();
const GemmKernels* gemm_int8_avx2(Format x);
const GemmKernels* gemm_int8_avx512(Format x);
const GemmKernels* gemm_int8_avx512vnni(Format x);
const GemmKernels* gemm_int4_avx2(Format x);
const GemmKernels* gemm_int4_avx512(Format x);
const GemmKernels* gemm_int4_avx512bf16();  // activations of bf16

}  // namespace nacelle::kernels
