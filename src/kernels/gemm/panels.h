// panels.h: the packed order of weights: which kernels read it, where everything lies, and the copy
// into it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "base/result.h"
#include "kernels/format.h"
#include "kernels/gemm/gemm.h"
#include "kernels/gemm/gemm_isa.h"
#include "kernels/gemm/quantized_weight.h"

namespace nacelle::kernels {

constexpr std::size_t kMaxPanelWidth = 32;
// Terms of an int8 sum: each is at most 128 * 127.
constexpr std::size_t kMaxInt8Depth = 131072;

// The format of weights that are stored as the activations are.
[[nodiscard]] WeightFormat dense_format(DType dtype);

// Where the parts of a packed matrix lie. Without kernels (kReference) a panel is one row of the
// weight: int8 [k] padded to 4 bytes, its f32 scale; int4 per group [group / 2] bytes, its f32
// scale and, with zero points, its f32 zero.
struct PanelLayout {
  const GemmKernels* kernels = nullptr;  // null where rows stay as they are
  std::size_t width = 1;                 // columns of a panel
  std::size_t step = 1;                  // elements of k per step
  std::size_t num_steps = 0;
  std::size_t num_panels = 0;
  std::size_t panel_bytes = 0;
  std::size_t scales_at = 0;    // int8: within a panel; int4: within a group
  std::size_t group_size = 0;   // int4: elements of a chain, see chain_size()
  std::size_t group_bytes = 0;  // int4: weights and scales of a chain
  std::size_t size_bytes = 0;   // of the whole matrix
};

// invalid_argument for a description that no weight can have, resource_exhausted for one that does
// not fit the address space. A description may come from a file.
[[nodiscard]] Result<PanelLayout> layout_of(const PackedMatrix::Description& description);

// The set's kernels; null where rows stay as they are (kReference).
[[nodiscard]] const GemmKernels* gemm_kernels(Isa isa, WeightFormat format, Format activations);

// Elements that one chain of multiply-adds covers: the largest divisor of the group, itself a
// multiple of 32, that is at most 128. A longer group becomes several with the same scale.
[[nodiscard]] std::size_t chain_size(std::size_t group_size);

// The part and its row behind column `column` of panel `panel`; parts have `sizes[i]` rows.
struct PanelSource {
  std::size_t part = 0;
  std::size_t row = 0;
};
// False for the padding at the end of the last panel, or of each part's where they alternate.
[[nodiscard]] bool find_source(std::span<const std::size_t> sizes, Stacking stacking,
                               std::size_t width, std::size_t panel, std::size_t column,
                               PanelSource& source);

// Fill one panel, which holds zeros. rows[j] is the source row of column j; columns beyond
// rows.size() and elements beyond k stay zero.
void fill_panel(std::span<const std::byte* const> rows, std::size_t k, std::size_t element_bytes,
                std::size_t step, std::size_t width, std::byte* panel);

struct Int8Row {
  const std::int8_t* values = nullptr;
  float scale = 0.0F;
};
void fill_int8_panel(std::span<const Int8Row> rows, std::size_t k, const PanelLayout& layout,
                     std::byte* panel);

struct Int4Row {
  const std::uint8_t* values = nullptr;
  const float* scales = nullptr;        // of the weight's own groups
  const std::uint8_t* zeros = nullptr;  // null: 8
};
void fill_int4_panel(std::span<const Int4Row> rows, std::size_t k, std::size_t weight_group_size,
                     const PanelLayout& layout, std::byte* panel);

}  // namespace nacelle::kernels
