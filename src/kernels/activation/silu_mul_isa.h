// silu_mul_isa.h: one row of the gate, per instruction set. Plain data only.
#pragma once

#include <cstddef>
#include <cstdint>

#include "kernels/format.h"

namespace nacelle::kernels {

enum class Isa : std::uint8_t;  // isa.h

using SiluMulRow = void (*)(const float* gate, const float* up, std::size_t width, void* out,
                            Format format);

// The set's; also the end of the product of gate and up (gemm/).
SiluMulRow silu_mul_row(Isa isa);

void silu_mul_row_reference(const float* gate, const float* up, std::size_t width, void* out,
                            Format format);
void silu_mul_row_avx2(const float* gate, const float* up, std::size_t width, void* out,
                       Format format);
void silu_mul_row_avx512(const float* gate, const float* up, std::size_t width, void* out,
                         Format format);

}  // namespace nacelle::kernels
