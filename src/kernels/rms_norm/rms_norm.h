// rms_norm.h: root-mean-square normalisation, alone, fused with the residual sum, and per head.
//
//   out = x / sqrt(mean(x^2) + eps) * weight          all in f32, rounded once to the output dtype
//
// Gemma's (1 + w) form is had by adding 1 to the weights at load. Each row is one task's work, so
// its bits do not depend on the others.
//
// Tolerance between sets: the sum of squares is added in another order: 2^-22 relative.
// Source:  Zhang and Sennrich (2019), "Root mean square layer normalization".
#pragma once

#include <cstddef>

#include "kernels/context.h"
#include "kernels/rows.h"

namespace nacelle::kernels {

// x: [num_rows, dim] f32, dense. weight: [dim]. out: [num_rows, dim].
void rms_norm(const Context& context, const float* x, std::size_t num_rows, std::size_t dim,
              const float* weight, float epsilon, const OutputRows& out);

// residual += delta, then out = rms_norm(residual). residual and delta: [num_rows, dim] f32, dense.
void add_rms_norm(const Context& context, float* residual, const float* delta, std::size_t num_rows,
                  std::size_t dim, const float* weight, float epsilon, const OutputRows& out);

// Normalises each head by itself, in place (q_norm and k_norm of Qwen 3). weight: [head_dim].
void rms_norm_heads(const Context& context, const HeadRows& x, const float* weight, float epsilon);

}  // namespace nacelle::kernels
