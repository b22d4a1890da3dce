#include "kernels/gemm/panels.h"

#include <algorithm>
#include <cstring>

namespace nacelle::kernels {
namespace {

// Both sides stay in the first-level cache within a block of k.
constexpr std::size_t kBlock = 64;

// Word is one step of one column: an element, or a pair of 16-bit ones.
template <class Word>
void transpose(std::span<const std::byte* const> rows, std::size_t num_steps, std::size_t width,
               std::byte* panel) {
  auto* target = reinterpret_cast<Word*>(panel);
  for (std::size_t begin = 0; begin < num_steps; begin += kBlock) {
    const std::size_t end = std::min(num_steps, begin + kBlock);
    for (std::size_t column = 0; column < rows.size(); ++column) {
      const std::byte* source = rows[column] + begin * sizeof(Word);
      Word* place = target + begin * width + column;
      for (std::size_t step = begin; step < end; ++step) {
        std::memcpy(place, source, sizeof(Word));  // a mapped row may be aligned to 2 bytes only
        source += sizeof(Word);
        place += width;
      }
    }
  }
}

}  // namespace

const GemmKernels* gemm_kernels(Isa isa, Format format) {
  if (isa == Isa::kPortable) return gemm_portable(format);
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
    transpose<std::uint32_t>(rows, whole_steps, width, panel);
  } else {
    transpose<std::uint16_t>(rows, whole_steps, width, panel);
  }
  if (whole_steps * step == k) return;
  for (std::size_t column = 0; column < rows.size(); ++column) {  // the first half of a last pair
    std::memcpy(panel + (whole_steps * width + column) * word_bytes,
                rows[column] + whole_steps * word_bytes, element_bytes);
  }
}

}  // namespace nacelle::kernels
