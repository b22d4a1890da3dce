#include "kernels/gemm/panels.h"

#include <algorithm>
#include <array>
#include <cstring>

namespace nacelle::kernels {
namespace {

// Both sides stay in the first-level cache within a block of k.
constexpr std::size_t kBlock = 64;

// Word is one step of one column: an element, or some narrow ones.
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

template <class T>
void put(std::byte* at, T value) {
  std::memcpy(at, &value, sizeof(value));
}

// The low nibbles of four bytes, in order.
std::uint32_t gather_low_nibbles(std::uint32_t bytes) {
  bytes &= 0x0f0f0f0fu;
  bytes = (bytes | bytes >> 4) & 0x00ff00ffu;
  return (bytes | bytes >> 8) & 0xffffu;
}

// Eight q of four bits, two a byte, to the word of tile_int4.inc.
std::uint32_t int4_word(const std::uint8_t* values) {
  const std::uint32_t bytes =
      static_cast<std::uint32_t>(values[0]) | static_cast<std::uint32_t>(values[1]) << 8 |
      static_cast<std::uint32_t>(values[2]) << 16 | static_cast<std::uint32_t>(values[3]) << 24;
  const std::uint32_t word = gather_low_nibbles(bytes) | gather_low_nibbles(bytes >> 4) << 16;
  return word ^ 0x88888888u;  // q - 8 as a number of four bits
}

}  // namespace

const GemmKernels* gemm_kernels(Isa isa, WeightFormat format, Format activations) {
  const bool int8 = format == WeightFormat::kInt8;
  const bool int4 = format == WeightFormat::kInt4;
#if defined(__x86_64__)
  switch (isa) {
    case Isa::kReference:
    case Isa::kPortable:
      return nullptr;
    case Isa::kAvx2:
      if (int8) return gemm_int8_avx2(activations);
      return int4 ? gemm_int4_avx2(activations) : gemm_avx2(activations);
    case Isa::kAvx512:
      if (int8) return gemm_int8_avx512(activations);
      return int4 ? gemm_int4_avx512(activations) : gemm_avx512(activations);
    case Isa::kAvx512Vnni:
      if (int8) return gemm_int8_avx512vnni(activations);
      return int4 ? gemm_int4_avx512(activations) : gemm_avx512(activations);
    case Isa::kAvx512Bf16:
    case Isa::kAmx:
    case Isa::kAmxEmulated:
      if (int8) return gemm_int8_avx512vnni(activations);
      if (activations != Format::kBF16) {
        return int4 ? gemm_int4_avx512(activations) : gemm_avx512(activations);
      }
      return int4 ? gemm_int4_avx512bf16() : gemm_avx512bf16();
  }
#endif
  (void)isa, (void)activations, (void)int8, (void)int4;
  return nullptr;
}

std::size_t chain_size(std::size_t group_size) {
  for (const std::size_t size : {128, 96, 64}) {
    if (group_size % size == 0) return size;
  }
  return 32;
}

bool find_source(std::span<const std::size_t> sizes, Stacking stacking, std::size_t width,
                 std::size_t panel, std::size_t column, PanelSource& source) {
  if (stacking == Stacking::kAlternatingPanels) {
    source.part = panel % sizes.size();
    source.row = panel / sizes.size() * width + column;
    return source.row < sizes[source.part];
  }
  source.row = panel * width + column;
  for (source.part = 0; source.part < sizes.size(); ++source.part) {
    if (source.row < sizes[source.part]) return true;
    source.row -= sizes[source.part];
  }
  return false;
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
  const std::size_t rest = k - whole_steps * step;
  if (rest == 0) return;
  for (std::size_t column = 0; column < rows.size(); ++column) {  // the start of a last word
    std::memcpy(panel + (whole_steps * width + column) * word_bytes,
                rows[column] + whole_steps * word_bytes, rest * element_bytes);
  }
}

void fill_int8_panel(std::span<const Int8Row> rows, std::size_t k, const PanelLayout& layout,
                     std::byte* panel) {
  if (layout.kernels == nullptr) {
    if (k != 0) std::memcpy(panel, rows[0].values, k);
    put(panel + layout.scales_at, rows[0].scale);
    return;
  }
  std::array<const std::byte*, kMaxPanelWidth> sources;
  std::byte* scales = panel + layout.scales_at;
  for (std::size_t j = 0; j < rows.size(); ++j) {
    sources[j] = reinterpret_cast<const std::byte*>(rows[j].values);
    std::int32_t sum = 0;
    for (std::size_t i = 0; i < k; ++i) sum += rows[j].values[i];
    put(scales + 4 * j, rows[j].scale);
    put(scales + 4 * (layout.width + j), sum * 128);
  }
  fill_panel(std::span(sources.data(), rows.size()), k, 1, layout.step, layout.width, panel);
}

void fill_int4_panel(std::span<const Int4Row> rows, std::size_t k, std::size_t weight_group_size,
                     const PanelLayout& layout, std::byte* panel) {
  const std::size_t chain = layout.group_size;
  for (std::size_t begin = 0; begin < k; begin += chain) {
    const std::size_t group = begin / weight_group_size;
    std::byte* scales = panel + layout.scales_at;
    for (std::size_t j = 0; j < rows.size(); ++j) {
      const Int4Row& row = rows[j];
      const std::uint8_t* values = row.values + begin / 2;
      const float scale = row.scales[group];
      put(scales + 4 * j, scale);
      if (layout.kernels == nullptr) {
        std::memcpy(panel, values, chain / 2);
        if (row.zeros != nullptr) put(scales + 4, static_cast<float>(row.zeros[group]));
        continue;
      }
      for (std::size_t i = 0; i < chain / 8; ++i) {
        put(panel + 4 * (i * layout.width + j), int4_word(values + 4 * i));
      }
      if (row.zeros != nullptr) {
        const float offset = static_cast<float>(8 - row.zeros[group]) * scale;
        put(scales + 4 * (layout.width + j), offset);
      }
    }
    panel += layout.group_bytes;
  }
}

}  // namespace nacelle::kernels
