#include "kernels/embedding/embedding.h"

#include <algorithm>

#include "base/check.h"
#include "tensor/convert.h"

namespace nacelle::kernels {

void gather_embeddings(const Context& context, const TensorView& table,
                       std::span<const TokenId> ids, float* out) {
  CHECK(table.shape().rank() == 2);
  const std::size_t vocab = table.shape()[0];
  const std::size_t dim = table.shape()[1];
  const std::size_t row_bytes = dim * size_of(table.dtype());
  const std::size_t grain = std::max<std::size_t>(1, 16384 / std::max<std::size_t>(1, dim));
  context.pool.run_ranges(ids.size(), grain, [&](std::size_t begin, std::size_t end) {
    for (std::size_t row = begin; row < end; ++row) {
      CHECK(ids[row] >= 0 && static_cast<std::size_t>(ids[row]) < vocab);
      const std::byte* source = table.data() + static_cast<std::size_t>(ids[row]) * row_bytes;
      CHECK(convert(table.dtype(), source, DType::kF32, out + row * dim, dim).ok());
    }
  });
}

}  // namespace nacelle::kernels
