#include "kernels/gemm/panels.h"

#include <cstring>

#include "kernels/gemm/transpose.h"

namespace nacelle::kernels {
const GemmKernels* gemm_kernels(Isa isa, Format format) {
#if defined(__x86_64__)
  switch (isa) {
    case Isa::kReference:
    case Isa::kPortable:
      return nullptr;
    case Isa::kAvx2:
      return gemm_avx2(format);
    case Isa::kAvx512:
    case Isa::kAvx512Vnni:
      return gemm_avx512(format);
    case Isa::kAvx512Bf16:
    case Isa::kAmx:
    case Isa::kAmxEmulated:
      return format == Format::kBF16 ? gemm_avx512bf16() : gemm_avx512(format);
  }
#endif
  (void)isa;
  (void)format;
  return nullptr;
}

void fill_panel(std::span<const std::byte* const> rows, std::size_t k, std::size_t element_bytes,
                std::size_t step, std::size_t width, std::byte* panel) {
  const std::size_t whole_steps = k / step;
  const std::size_t word_bytes = step * element_bytes;
  if (word_bytes == 4) {
    transpose_words(rows, whole_steps, width, reinterpret_cast<std::uint32_t*>(panel));
  } else {
    transpose_words(rows, whole_steps, width, reinterpret_cast<std::uint16_t*>(panel));
  }
  if (whole_steps * step == k) return;
  for (std::size_t column = 0; column < rows.size(); ++column) {  // the first half of a last pair
    std::memcpy(panel + (whole_steps * width + column) * word_bytes,
                rows[column] + whole_steps * word_bytes, element_bytes);
  }
}

}  // namespace nacelle::kernels
