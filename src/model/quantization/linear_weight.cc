#include "model/quantization/linear_weight.h"

#include <algorithm>
#include <utility>

#include "base/check.h"
#include "tensor/convert.h"

namespace nacelle::model {
namespace {

constexpr std::size_t kGrainElements = 1u << 16;  // of one task at least

Result<Weight> dense_of(const Int8Linear& linear, DType dtype, WeightStore& store,
                        kernels::WorkerPool& pool) {
  const kernels::Int8Weight weight = linear.view();
  return dense_from_rows(weight.n, weight.k, dtype, store, pool,
                         [&](std::size_t row, std::span<float> values) {
                           const std::int8_t* source = weight.values + row * weight.k;
                           for (std::size_t i = 0; i < weight.k; ++i) {
                             values[i] = static_cast<float>(source[i]) * weight.scales[row];
                           }
                         });
}

Result<Weight> dense_of(const Int4Linear& linear, DType dtype, WeightStore& store,
                        kernels::WorkerPool& pool) {
  const kernels::Int4Weight weight = linear.view();
  const std::size_t groups = weight.k / weight.group_size;
  return dense_from_rows(weight.n, weight.k, dtype, store, pool,
                         [&](std::size_t row, std::span<float> values) {
                           const std::uint8_t* source = weight.values + row * weight.k / 2;
                           for (std::size_t i = 0; i < weight.k; ++i) {
                             const std::size_t group = row * groups + i / weight.group_size;
                             const int q = (source[i / 2] >> (i % 2 * 4)) & 15;
                             const int zero = weight.zeros == nullptr ? 8 : weight.zeros[group];
                             values[linear.order.empty() ? i : linear.order[i]] =
                                 static_cast<float>(q - zero) * weight.scales[group];
                           }
                         });
}

}  // namespace

kernels::Int8Weight Int8Linear::view() const {
  kernels::Int8Weight out = owned.view();
  if (owned.values.empty()) out.values = reinterpret_cast<const std::int8_t*>(stored.view().data());
  return out;
}

kernels::Int4Weight Int4Linear::view() const {
  kernels::Int4Weight out = owned.view();
  if (owned.values.empty()) {
    out.values = reinterpret_cast<const std::uint8_t*>(stored.view().data());
  }
  return out;
}

Result<Weight> dense_from_rows(
    std::size_t n, std::size_t k, DType dtype, WeightStore& store, kernels::WorkerPool& pool,
    const std::function<void(std::size_t row, std::span<float> values)>& fill) {
  const std::size_t row_bytes = k * size_of(dtype);
  ASSIGN_OR_RETURN(Buffer buffer, store.staging(n * row_bytes));
  std::byte* const target = buffer.data();
  const std::size_t grain = std::max<std::size_t>(1, kGrainElements / std::max<std::size_t>(1, k));
  pool.run_ranges(n, grain, [&](std::size_t begin, std::size_t end) {
    std::vector<float> values(k);
    for (std::size_t row = begin; row < end; ++row) {
      fill(row, values);
      CHECK(convert(DType::kF32, values.data(), dtype, target + row * row_bytes, k).ok());
    }
  });
  const TensorView view(target, dtype, Shape{n, k});
  return Weight(view, std::move(buffer));
}

Result<Weight> to_dense(LinearWeight weight, DType dtype, WeightStore& store,
                        kernels::WorkerPool& pool) {
  if (auto* dense = std::get_if<Weight>(&weight)) return std::move(*dense);
  if (const auto* int8 = std::get_if<Int8Linear>(&weight)) {
    return dense_of(*int8, dtype, store, pool);
  }
  return dense_of(std::get<Int4Linear>(weight), dtype, store, pool);
}

}  // namespace nacelle::model
