#include "kernels/rope/rope.h"

#include <algorithm>

#include "base/check.h"
#include "kernels/rope/rope_isa.h"

namespace nacelle::kernels {
namespace {

constexpr std::size_t kGrainElements = 16384;

RopeHead head_kernel(Isa isa) {
  if (isa == Isa::kPortable) return rope_head_portable;
#if defined(__x86_64__)
  if (isa == Isa::kAvx2) return rope_head_avx2;
  if (isa >= Isa::kAvx512) return rope_head_avx512;
#endif
  (void)isa;
  return rope_head_reference;
}

}  // namespace

void rope(const Context& context, const HeadRows& x, std::span<const std::uint32_t> positions,
          const RopeTable& table) {
  CHECK(positions.size() == x.num_rows && 2 * table.half_dim <= x.head_dim);
  const RopeHead kernel = head_kernel(context.isa);
  const std::size_t width = std::max<std::size_t>(1, x.num_heads * x.head_dim);
  const std::size_t grain = std::max<std::size_t>(1, kGrainElements / width);
  context.pool.run_ranges(x.num_rows, grain, [&](std::size_t begin, std::size_t end) {
    for (std::size_t row = begin; row < end; ++row) {
      CHECK(positions[row] < table.max_position);
      const std::size_t offset = positions[row] * table.half_dim;
      for (std::size_t head = 0; head < x.num_heads; ++head) {
        kernel(x.data + row * x.row_stride + head * x.head_dim, table.cos + offset,
               table.sin + offset, table.half_dim);
      }
    }
  });
}

}  // namespace nacelle::kernels
