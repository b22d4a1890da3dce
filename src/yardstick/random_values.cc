#include "yardstick/random_values.h"

#include <algorithm>
#include <array>
#include <atomic>

#include "tensor/convert.h"

namespace nacelle::yardstick {

Result<Buffer> random_values(kernels::WorkerPool& pool, DType dtype, std::size_t count,
                             std::uint32_t seed) {
  constexpr std::size_t kPiece = 4096;
  const std::size_t width = size_of(dtype);
  ASSIGN_OR_RETURN(Buffer made, Buffer::allocate(count * width));
  std::atomic<bool> failed{false};
  pool.run((count + kPiece - 1) / kPiece, [&](std::size_t piece) {
    std::array<float, kPiece> values;
    auto state = static_cast<std::uint32_t>(seed * 2654435761u + piece * 40503u);
    for (float& value : values) {
      state = state * 1664525u + 1013904223u;
      value = static_cast<float>(state >> 8) * 0x1p-24F - 0.5F;
    }
    const std::size_t first = piece * kPiece;
    const std::size_t size = std::min(kPiece, count - first);
    if (!convert(DType::kF32, values.data(), dtype, made.data() + first * width, size).ok()) {
      failed = true;
    }
  });
  if (failed) return unimplemented("made-up values of dtype {}", to_string(dtype));
  return made;
}

}  // namespace nacelle::yardstick
