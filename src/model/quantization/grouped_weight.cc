#include "model/quantization/grouped_weight.h"

#include <algorithm>
#include <utility>

namespace nacelle::model {
namespace {

constexpr std::size_t kRowGrain = 16;  // rows of one task at least

const std::uint8_t* values_of(const GroupedWeight& weight) {
  if (!weight.values.empty()) return weight.values.data();
  return reinterpret_cast<const std::uint8_t*>(weight.stored.view().data());
}

Result<LinearWeight> dense_of(const GroupedWeight& weight, const LinearRequest& request,
                              WeightStore& store) {
  const std::size_t groups = weight.k / weight.group_size;
  const std::uint8_t* const values = values_of(weight);
  const auto fill = [&](std::size_t row, std::span<float> out) {
    for (std::size_t i = 0; i < weight.k; ++i) {
      const std::size_t in_row =
          weight.group_of.empty() ? i / weight.group_size : weight.group_of[i];
      const std::size_t group = row * groups + in_row;
      const std::size_t at = row * weight.k + i;
      const int q = weight.bits == 8 ? values[at] : (values[at / 2] >> (at % 2 * 4)) & 15;
      const int zero = weight.zeros.empty() ? 1 << (weight.bits - 1) : weight.zeros[group];
      out[i] = static_cast<float>(q - zero) * weight.scales[group];
    }
  };
  ASSIGN_OR_RETURN(Weight dense,
                   dense_from_rows(weight.n, weight.k, request.dtype, store, request.pool, fill));
  return LinearWeight(std::move(dense));
}

// The order that brings the columns of a group together, each group of the same size; empty when
// there is none.
std::vector<std::uint32_t> sorted_order(const GroupedWeight& weight) {
  std::vector<std::size_t> next(weight.k / weight.group_size);
  for (std::size_t g = 0; g < next.size(); ++g) next[g] = g * weight.group_size;
  std::vector<std::uint32_t> order(weight.k);
  for (std::size_t i = 0; i < weight.k; ++i) {
    const std::size_t group = weight.group_of[i];
    if (next[group] == (group + 1) * weight.group_size) return {};
    order[next[group]++] = static_cast<std::uint32_t>(i);
  }
  return order;
}

std::vector<std::uint8_t> reordered(const GroupedWeight& weight,
                                    const std::vector<std::uint32_t>& order,
                                    kernels::WorkerPool& pool) {
  std::vector<std::uint8_t> out(weight.n * weight.k / 2);
  const std::uint8_t* const values = values_of(weight);
  pool.run_ranges(weight.n, kRowGrain, [&](std::size_t begin, std::size_t end) {
    for (std::size_t row = begin; row < end; ++row) {
      const std::uint8_t* const source = values + row * weight.k / 2;
      const auto nibble = [&](std::size_t i) { return (source[i / 2] >> (i % 2 * 4)) & 15; };
      std::uint8_t* const target = out.data() + row * weight.k / 2;
      for (std::size_t i = 0; i < weight.k; i += 2) {
        target[i / 2] = static_cast<std::uint8_t>(nibble(order[i]) | nibble(order[i + 1]) << 4);
      }
    }
  });
  return out;
}

template <class T>
std::vector<T> repeated(const std::vector<T>& values, std::size_t times) {
  if (times == 1) return values;
  std::vector<T> out;
  out.reserve(values.size() * times);
  for (const T value : values) out.insert(out.end(), times, value);
  return out;
}

}  // namespace

Result<LinearWeight> finish(GroupedWeight weight, const LinearRequest& request,
                            WeightStore& store) {
  const std::size_t native = weight.group_size % 128 == 0  ? 128
                             : weight.group_size % 32 == 0 ? 32
                                                           : 0;
  if (weight.bits != 4 || native == 0) return dense_of(weight, request, store);
  Int4Linear out;
  if (!weight.group_of.empty()) {
    out.order = sorted_order(weight);
    if (out.order.empty()) return dense_of(weight, request, store);  // groups of several sizes
    out.owned.values = reordered(weight, out.order, request.pool);
  } else {
    out.owned.values = std::move(weight.values);
    out.stored = std::move(weight.stored);
  }
  const std::size_t times = weight.group_size / native;
  out.owned.n = weight.n;
  out.owned.k = weight.k;
  out.owned.group_size = native;
  out.owned.scales = repeated(weight.scales, times);
  out.owned.zeros = repeated(weight.zeros, times);
  return LinearWeight(std::move(out));
}

Result<std::size_t> group_size_of(const ModuleTensors& tensors, std::string_view suffix,
                                  const LinearScheme& scheme, std::size_t k) {
  if (scheme.grain != ScaleGrain::kGroup) return k;
  if (k % scheme.group_size != 0) {
    return tensors.wrong(suffix, fmt::format("has {} columns, group_size {} does not divide them",
                                             k, scheme.group_size));
  }
  return scheme.group_size;
}

Result<std::vector<std::uint32_t>> read_group_of(const ModuleTensors& tensors,
                                                 std::string_view suffix, std::size_t k,
                                                 std::size_t group_size) {
  ASSIGN_OR_RETURN(const Weight tensor, tensors.fetch(suffix, {DType::kI32}, Shape{k}));
  const std::span<const std::int32_t> stored = tensor.view().as<std::int32_t>();
  // compressed-tensors: never filled in, so columns lie in the order of their groups.
  if (std::all_of(stored.begin(), stored.end(), [](std::int32_t group) { return group == -1; })) {
    return std::vector<std::uint32_t>();
  }
  const std::size_t groups = k / group_size;
  std::vector<std::uint32_t> out(k);
  bool in_order = true;
  for (std::size_t i = 0; i < k; ++i) {
    if (stored[i] < 0 || static_cast<std::size_t>(stored[i]) >= groups) {
      return tensors.wrong(
          suffix, fmt::format("column {} is in group {}, there are {} groups of {}", i, stored[i],
                              groups, group_size));
    }
    out[i] = static_cast<std::uint32_t>(stored[i]);
    in_order = in_order && out[i] == i / group_size;
  }
  if (in_order) out.clear();
  return out;
}

std::vector<float> transposed(const std::vector<float>& values, std::size_t rows,
                              std::size_t columns) {
  std::vector<float> out(values.size());
  for (std::size_t r = 0; r < rows; ++r) {
    for (std::size_t c = 0; c < columns; ++c) out[c * rows + r] = values[r * columns + c];
  }
  return out;
}

std::uint8_t packed_field(std::span<const std::int32_t> words, std::size_t index,
                          std::uint32_t bits) {
  const std::size_t per_word = 32 / bits;
  const auto word = static_cast<std::uint32_t>(words[index / per_word]);
  return static_cast<std::uint8_t>((word >> (index % per_word * bits)) & ((1u << bits) - 1));
}

}  // namespace nacelle::model
