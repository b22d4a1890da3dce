#include "model/packed_recipe.h"

#include <xxhash.h>

#include <span>

#include "tensor/half.h"

namespace nacelle::model {
namespace {

using kernels::PackedMatrix;
using kernels::Stacking;

// Raise it when what a name stands for changes: which tensors it stacks is in the name, and the
// samples below see layouts and rounding.
constexpr int kVersion = 1;

// Two parts that fill no panel and no step to the end, except that groups of 32 need a whole k.
constexpr std::size_t kRows = 37, kColumns = 96;
constexpr std::size_t kGroup = 32;

std::string bytes_of(const Result<PackedMatrix>& packed) {
  if (!packed.ok()) return std::string(to_string(packed.error().code()));
  return std::string(reinterpret_cast<const char*>(packed->data()), packed->size_bytes());
}

// What packing makes of a sample in every form that weights have.
std::string packed_samples(DType dtype, const kernels::Context& context) {
  std::vector<float> values(kRows * kColumns);
  std::uint32_t state = 1;
  for (float& value : values) {
    state = state * 1664525u + 1013904223u;
    value = static_cast<float>(static_cast<std::int32_t>(state)) * 0x1p-32f;
  }
  std::vector<BFloat16> rounded;
  for (const float value : values) rounded.push_back(BFloat16(value));

  std::string out;
  for (const Stacking stacking : {Stacking::kOneAfterTheOther, Stacking::kAlternatingPanels}) {
    if (dtype == DType::kF32) {
      const TensorView view(reinterpret_cast<const std::byte*>(values.data()), dtype,
                            Shape{kRows, kColumns});
      out += bytes_of(
          PackedMatrix::pack(std::vector{view, view}, context.isa, context.pool, stacking));
    } else {  // the order of 16-bit elements does not depend on what they mean
      const TensorView view(reinterpret_cast<const std::byte*>(rounded.data()), dtype,
                            Shape{kRows, kColumns});
      out += bytes_of(
          PackedMatrix::pack(std::vector{view, view}, context.isa, context.pool, stacking));
    }
    const TensorView source(reinterpret_cast<const std::byte*>(rounded.data()), DType::kBF16,
                            Shape{kRows, kColumns});
    if (const auto int8 = kernels::quantize_int8(source, context.pool); int8.ok()) {
      out += bytes_of(PackedMatrix::pack(std::vector{int8->view(), int8->view()}, dtype,
                                         context.isa, context.pool, stacking));
    }
    if (const auto int4 = kernels::quantize_int4(source, kGroup, context.pool); int4.ok()) {
      out += bytes_of(PackedMatrix::pack(std::vector{int4->view(), int4->view()}, dtype,
                                         context.isa, context.pool, stacking));
    }
  }
  return out;
}

}  // namespace

std::uint64_t recipe_number(const PackedRecipe& recipe, const kernels::Context& context) {
  // The numbers by which the file names kinds, too.
  const std::string kinds =
      fmt::format("{} {} {} {}", static_cast<int>(recipe.dtype), static_cast<int>(context.isa),
                  static_cast<int>(kernels::WeightFormat::kInt4),
                  static_cast<int>(kernels::Stacking::kAlternatingPanels));
  const std::string facts =
      fmt::format("{}\n{}\n{}\n{}\n{}\n{}\n{}", kVersion, kinds, recipe.config, recipe.quantization,
                  to_string(recipe.dtype), kernels::to_string(context.isa),
                  packed_samples(recipe.dtype, context));
  return XXH3_64bits(facts.data(), facts.size());
}

}  // namespace nacelle::model
