#include "kernels/rms_norm/rms_norm.h"

#include <algorithm>

#include "kernels/format.h"
#include "kernels/rms_norm/rms_norm_isa.h"

namespace nacelle::kernels {
namespace {

constexpr std::size_t kGrainElements = 16384;  // below this, waking a thread costs more

RmsNormRow row_kernel(Isa isa) {
  if (isa == Isa::kPortable) return rms_norm_row_portable;
#if defined(__x86_64__)
  if (isa == Isa::kAvx2) return rms_norm_row_avx2;
  if (isa >= Isa::kAvx512) return rms_norm_row_avx512;
#endif
  (void)isa;
  return rms_norm_row_reference;
}

std::size_t grain_rows(std::size_t dim) {
  return std::max<std::size_t>(1, kGrainElements / std::max<std::size_t>(1, dim));
}

}  // namespace

void rms_norm(const Context& context, const float* x, std::size_t num_rows, std::size_t dim,
              const float* weight, float epsilon, const OutputRows& out) {
  const RmsNormRow kernel = row_kernel(context.isa);
  const Format format = format_of(out.dtype);
  context.pool.run_ranges(num_rows, grain_rows(dim), [&](std::size_t begin, std::size_t end) {
    for (std::size_t row = begin; row < end; ++row) {
      // Without a delta the kernel only reads x.
      kernel(const_cast<float*>(x) + row * dim, nullptr, dim, weight, epsilon,
             row_at(out.data, format, out.row_stride, row), format);
    }
  });
}

void add_rms_norm(const Context& context, float* residual, const float* delta, std::size_t num_rows,
                  std::size_t dim, const float* weight, float epsilon, const OutputRows& out) {
  const RmsNormRow kernel = row_kernel(context.isa);
  const Format format = format_of(out.dtype);
  context.pool.run_ranges(num_rows, grain_rows(dim), [&](std::size_t begin, std::size_t end) {
    for (std::size_t row = begin; row < end; ++row) {
      kernel(residual + row * dim, delta + row * dim, dim, weight, epsilon,
             row_at(out.data, format, out.row_stride, row), format);
    }
  });
}

void rms_norm_heads(const Context& context, const HeadRows& x, const float* weight, float epsilon) {
  const RmsNormRow kernel = row_kernel(context.isa);
  const std::size_t grain = grain_rows(x.num_heads * x.head_dim);
  context.pool.run_ranges(x.num_rows, grain, [&](std::size_t begin, std::size_t end) {
    for (std::size_t row = begin; row < end; ++row) {
      for (std::size_t head = 0; head < x.num_heads; ++head) {
        float* values = x.data + row * x.row_stride + head * x.head_dim;
        kernel(values, nullptr, x.head_dim, weight, epsilon, values, Format::kF32);
      }
    }
  });
}

}  // namespace nacelle::kernels
