// panels.h: the packed order of weights: which kernels read it, and the copy into it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "kernels/format.h"
#include "kernels/gemm/gemm_isa.h"
#include "kernels/isa.h"

namespace nacelle::kernels {

// The set's kernels for weights of `format`; null where rows stay as they are (kReference).
[[nodiscard]] const GemmKernels* gemm_kernels(Isa isa, Format format);

// Fills one panel: rows[j] is the source row of column j, k elements of `element_bytes`; columns
// beyond rows.size() and elements beyond k stay zero. panel: [ceil(k / step)][width][step], zeroed.
void fill_panel(std::span<const std::byte* const> rows, std::size_t k, std::size_t element_bytes,
                std::size_t step, std::size_t width, std::byte* panel);

}  // namespace nacelle::kernels
