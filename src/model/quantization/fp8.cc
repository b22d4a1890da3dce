// fp8.cc: quant_method "fp8", and the e4m3 weights of compressed-tensors.
//
//   weight            F8_E4M3 [n, k]
//   weight_scale      one number, or [n, 1]: per row
//   weight_scale_inv  [ceil(n / 128), ceil(k / 128)] with weight_block_size [128, 128]
//
// w = weight * scale, rounded once to the model's dtype: dense by default, which loses nothing that
// the checkpoint has (e4m3 has 4 significant bits, bf16 has 8). Scales of activations are not used:
// activations stay in the model's dtype.
//
// Source: engine.md section 30.
#include <array>
#include <atomic>

#include <nlohmann/json.hpp>

#include "model/quantization/method.h"
#include "tensor/convert.h"

namespace nacelle::model {
namespace {

Status parse_fp8(FieldReader& fields, QuantizationSpec& spec) {
  LinearScheme scheme{.encoding = Encoding::kFp8, .bits = 8};
  if (const std::string format = fields.text("fmt").value_or("e4m3"); format != "e4m3") {
    return unimplemented("fp8 with fmt \"{}\", supported: e4m3", printable(format));
  }
  const std::string activations = fields.text("activation_scheme").value_or("dynamic");
  if (activations != "dynamic" && activations != "static") {
    fields.refuse("activation_scheme", "dynamic, static");
  }
  if (fields.has("weight_block_size")) {
    const std::vector<double> block = fields.numbers("weight_block_size", 2, 1.0, 65536.0);
    if (block.size() == 2) {
      scheme.grain = ScaleGrain::kBlock;
      scheme.block_rows = static_cast<std::size_t>(block[0]);
      scheme.block_columns = static_cast<std::size_t>(block[1]);
    } else {
      fields.refuse("weight_block_size", "two numbers, rows and columns");
    }
  }
  read_targets(fields, "ignored_layers", ModuleTarget::Plain::kWholeName, spec.ignored);
  read_targets(fields, "modules_to_not_convert", ModuleTarget::Plain::kPartOfName, spec.ignored);
  ASSIGN_OR_RETURN(ModuleTarget all, ModuleTarget::parse("Linear", {}));
  spec.groups.push_back({.targets = {std::move(all)}, .scheme = scheme});
  return {};
}

const std::array<float, 256>& e4m3_values() {
  static const std::array<float, 256> kValues = [] {
    std::array<float, 256> values{};
    for (std::size_t i = 0; i < 256; ++i) {
      values[i] = f8_e4m3_to_float(static_cast<std::uint8_t>(i));
    }
    return values;
  }();
  return kValues;
}

Result<LinearWeight> read_method(const ModuleTensors& tensors, const LinearScheme& scheme,
                                 const LinearRequest& request) {
  return read_fp8(tensors, scheme, request,
                  scheme.grain == ScaleGrain::kBlock ? "weight_scale_inv" : "weight_scale");
}

}  // namespace

Result<LinearWeight> read_fp8(const ModuleTensors& tensors, const LinearScheme& scheme,
                              const LinearRequest& request, std::string_view scale) {
  const std::size_t n = request.n, k = request.k;
  ASSIGN_OR_RETURN(const Weight weight, tensors.fetch("weight", {DType::kF8E4M3}, Shape{n, k}));
  const bool blocks = scheme.grain == ScaleGrain::kBlock;
  std::vector<float> scales;
  // A scale's place is row / row_step * columns + column / column_step.
  std::size_t row_step = n, column_step = k, columns = 1;
  if (blocks) {
    row_step = scheme.block_rows;
    column_step = scheme.block_columns;
    columns = (k + column_step - 1) / column_step;
    ASSIGN_OR_RETURN(scales,
                     tensors.scales(scale, {Shape{(n + row_step - 1) / row_step, columns}}));
  } else {
    ASSIGN_OR_RETURN(
        scales, tensors.scales(scale, {Shape{}, Shape{1}, Shape{1, 1}, Shape{n}, Shape{n, 1}}));
    if (scales.size() == n) row_step = 1;
  }
  const auto* bytes = reinterpret_cast<const std::uint8_t*>(weight.view().data());
  const std::array<float, 256>& values = e4m3_values();
  std::atomic<std::size_t> bad = n * k;
  const auto fill = [&](std::size_t row, std::span<float> out) {
    const float* const row_scales = scales.data() + row / row_step * columns;
    for (std::size_t begin = 0; begin < k; begin += column_step) {
      const float factor = row_scales[begin / column_step];
      const std::size_t end = begin + column_step < k ? begin + column_step : k;
      for (std::size_t i = begin; i < end; ++i) {
        const std::uint8_t byte = bytes[row * k + i];
        if ((byte & 0x7f) == 0x7f) bad = row * k + i;
        out[i] = values[byte] * factor;
      }
    }
  };
  ASSIGN_OR_RETURN(Weight dense,
                   dense_from_rows(n, k, request.dtype, tensors.store(), request.pool, fill));
  if (bad != n * k) {
    return tensors.wrong("weight",
                         fmt::format("row {} column {} is not a number", bad / k, bad % k));
  }
  return LinearWeight(std::move(dense));
}

const QuantizationMethod kFp8Method = {"fp8", parse_fp8, read_method};

}  // namespace nacelle::model
