#include "kernels/activation/activation.h"

#include <algorithm>

#include "kernels/activation/silu_mul_isa.h"
#include "kernels/format.h"

namespace nacelle::kernels {
namespace {

constexpr std::size_t kGrainElements = 8192;

}  // namespace

SiluMulRow silu_mul_row(Isa isa) {
#if defined(__x86_64__)
  if (isa == Isa::kAvx2) return silu_mul_row_avx2;
  if (isa >= Isa::kAvx512) return silu_mul_row_avx512;
#endif
  (void)isa;
  return silu_mul_row_reference;
}

void silu_mul(const Context& context, const float* gate_up, std::size_t num_rows, std::size_t width,
              const OutputRows& out) {
  const SiluMulRow kernel = silu_mul_row(context.isa);
  const Format format = format_of(out.dtype);
  const std::size_t grain =
      std::max<std::size_t>(1, kGrainElements / std::max<std::size_t>(1, width));
  context.pool.run_ranges(num_rows, grain, [&](std::size_t begin, std::size_t end) {
    for (std::size_t row = begin; row < end; ++row) {
      const float* gate = gate_up + row * 2 * width;
      kernel(gate, gate + width, width, row_at(out.data, format, out.row_stride, row), format);
    }
  });
}

}  // namespace nacelle::kernels
