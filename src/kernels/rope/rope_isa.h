// rope_isa.h: one head's rotation, per instruction set. Plain data only.
#pragma once

#include <cstddef>

namespace nacelle::kernels {

using RopeHead = void (*)(float* x, const float* cos, const float* sin, std::size_t half_dim);

void rope_head_reference(float* x, const float* cos, const float* sin, std::size_t half_dim);
void rope_head_portable(float* x, const float* cos, const float* sin, std::size_t half_dim);
void rope_head_avx2(float* x, const float* cos, const float* sin, std::size_t half_dim);
void rope_head_avx512(float* x, const float* cos, const float* sin, std::size_t half_dim);

}  // namespace nacelle::kernels
