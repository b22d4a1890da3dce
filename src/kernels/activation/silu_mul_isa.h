// silu_mul_isa.h: one row of the gate, per instruction set. Plain data only.
#pragma once

#include <cstddef>

#include "kernels/format.h"

namespace nacelle::kernels {

using SiluMulRow = void (*)(const float* gate, const float* up, std::size_t width, void* out,
                            Format format);

void silu_mul_row_reference(const float* gate, const float* up, std::size_t width, void* out,
                            Format format);
void silu_mul_row_portable(const float* gate, const float* up, std::size_t width, void* out,
                           Format format);
void silu_mul_row_avx2(const float* gate, const float* up, std::size_t width, void* out,
                       Format format);
void silu_mul_row_avx512(const float* gate, const float* up, std::size_t width, void* out,
                         Format format);

}  // namespace nacelle::kernels
