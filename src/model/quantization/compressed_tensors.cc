// compressed_tensors.cc: quant_method "compressed-tensors".
//
//   format           tensors
//   int-quantized    weight I8 [n, k]; weight_scale [n, 1] or one number
//   pack-quantized   weight_packed I32 [n, k * bits / 32], low bits first, value + 2^(bits - 1);
//                    weight_scale [n, k / group]; weight_shape [n, k];
//                    asymmetric: weight_zero_point I32 [ceil(n * bits / 32), k / group], packed
//                    along n; actorder "group": weight_g_idx I32 [k]
//   float-quantized  weight F8_E4M3 [n, k]; weight_scale one number, [n, 1] or blocks
//   naive-quantized  the first or the third, by the type of the weights
//
// Scales of activations are not used: int8 activations are scaled per token as they come, others
// stay in the model's dtype.
//
// Source: compressed-tensors, compressors; engine.md section 30.
#include <nlohmann/json.hpp>

#include "model/quantization/grouped_weight.h"
#include "model/quantization/method.h"

namespace nacelle::model {
namespace {

constexpr const char* kFormats =
    "int-quantized (8 bits), pack-quantized (4 and 8 bits), float-quantized (8 bits), "
    "naive-quantized, dense";

Status read_strategy(FieldReader& weights, std::string_view format, LinearScheme& scheme) {
  const std::string strategy =
      weights.text("strategy").value_or(weights.has("group_size") ? "group" : "tensor");
  const bool packed = scheme.encoding == Encoding::kPacked;
  const bool fp8 = scheme.encoding == Encoding::kFp8;
  if (strategy == "channel") {
    scheme.grain = ScaleGrain::kRow;
  } else if (strategy == "tensor" && !packed) {
    scheme.grain = ScaleGrain::kTensor;
  } else if (strategy == "group" && packed) {
    if (!weights.has("group_size")) {
      weights.complain(weights.prefix() + "group_size is missing, strategy is group");
    }
    read_group_size(weights, "group_size", scheme);
  } else if (strategy == "block" && fp8) {
    const std::vector<double> block = weights.numbers("block_structure", 2, 1.0, 65536.0);
    if (block.size() != 2) {
      weights.complain(weights.prefix() + "block_structure must be two numbers, rows and columns");
      return {};
    }
    scheme.grain = ScaleGrain::kBlock;
    scheme.block_rows = static_cast<std::size_t>(block[0]);
    scheme.block_columns = static_cast<std::size_t>(block[1]);
  } else {
    return unimplemented("{}strategy is \"{}\", supported with {}: {}", weights.prefix(),
                         printable(strategy), format,
                         packed ? "group, channel"
                         : fp8  ? "tensor, channel, block"
                                : "tensor, channel");
  }
  return {};
}

Status read_order(FieldReader& weights, LinearScheme& scheme) {
  const nlohmann::json* value = weights.find("actorder");
  if (value == nullptr || (value->is_boolean() && !value->get<bool>())) return {};
  if (value->is_boolean()) {  // the older way to say "group"
    scheme.has_order = true;
    return {};
  }
  const std::string order = weights.text("actorder").value_or("");
  // "weight" and "static" leave columns and groups where they are.
  if (order == "group") {
    scheme.has_order = true;
  } else if (order != "weight" && order != "static") {
    weights.refuse("actorder", "group, weight, static");
  }
  return {};
}

Status read_weights(FieldReader& weights, const std::string& format, LinearScheme& scheme) {
  const std::string type = weights.text("type").value_or("int");
  if (type != "int" && type != "float") weights.refuse("type", "int, float");
  const auto bits = static_cast<std::uint32_t>(weights.integer("num_bits", 1, 64).value_or(8));
  const bool is_float = type == "float";
  scheme.bits = bits;
  const bool symmetric = weights.boolean_or("symmetric", true);
  if (format == "pack-quantized" && !is_float && (bits == 4 || bits == 8)) {
    scheme.encoding = Encoding::kPacked;
    scheme.has_zeros = !symmetric;
    RETURN_IF_ERROR(read_order(weights, scheme));
  } else if ((format == "int-quantized" || format == "naive-quantized") && !is_float && bits == 8) {
    scheme.encoding = Encoding::kInt8;
    if (!symmetric) {
      return unimplemented("{}symmetric is false, supported with {}: true", weights.prefix(),
                           format);
    }
  } else if ((format == "float-quantized" || format == "naive-quantized") && is_float &&
             bits == 8) {
    scheme.encoding = Encoding::kFp8;
  } else {
    return unimplemented("format \"{}\" with {} weights of {} bits, supported: {}",
                         printable(format), printable(type), bits, kFormats);
  }
  return read_strategy(weights, format, scheme);
}

Status read_group(FieldReader& group, const std::string& format, QuantizationSpec& spec) {
  std::optional<FieldReader> weights = group.nested("weights");
  if (!weights) return {};  // activations or KV only
  QuantizationSpec::Group out;
  RETURN_IF_ERROR(read_weights(*weights, group.text("format").value_or(format), out.scheme));
  group.adopt(*weights);
  read_targets(group, "targets", ModuleTarget::Plain::kWholeName, out.targets);
  spec.groups.push_back(std::move(out));
  return {};
}

Status parse_compressed_tensors(FieldReader& fields, QuantizationSpec& spec) {
  constexpr std::size_t kMaxGroups = 1024;
  const std::string format = fields.text("format").value_or("dense");
  if (format.starts_with("nvfp4") || format.starts_with("mxfp4") || format.starts_with("marlin")) {
    return unimplemented("format \"{}\", supported: {}", printable(format), kFormats);
  }
  if (const auto sparsity = fields.nested("sparsity_config"); sparsity) {
    FieldReader reader = *sparsity;
    const std::string kind = reader.text("format").value_or("dense");
    if (kind != "dense") {
      return unimplemented("sparsity_config.format \"{}\", supported: dense", printable(kind));
    }
  }
  if (const auto transform = fields.nested("transform_config"); transform) {
    if (!transform->object().empty()) {
      return unimplemented("transform_config (rotated activations), supported: none");
    }
  }
  read_targets(fields, "ignore", ModuleTarget::Plain::kWholeName, spec.ignored);
  std::optional<FieldReader> groups = fields.nested("config_groups");
  if (!groups) return {};
  if (groups->object().size() > kMaxGroups) {
    fields.refuse("config_groups", "at most 1024 groups");
    return {};
  }
  for (const auto& [name, value] : groups->object().items()) {
    std::optional<FieldReader> group = groups->nested(name);
    if (!group) continue;
    RETURN_IF_ERROR(read_group(*group, format, spec));
    groups->adopt(*group);
  }
  fields.adopt(*groups);
  return {};
}

Result<LinearWeight> read_int8(const ModuleTensors& tensors, const LinearRequest& request) {
  const std::size_t n = request.n, k = request.k;
  Int8Linear out;
  ASSIGN_OR_RETURN(out.stored, tensors.fetch("weight", {DType::kI8}, Shape{n, k}));
  ASSIGN_OR_RETURN(out.owned.scales, tensors.scales("weight_scale", {Shape{}, Shape{1}, Shape{1, 1},
                                                                     Shape{n}, Shape{n, 1}}));
  if (out.owned.scales.size() != n) out.owned.scales.assign(n, out.owned.scales[0]);
  out.owned.n = n;
  out.owned.k = k;
  return LinearWeight(std::move(out));
}

Status check_weight_shape(const ModuleTensors& tensors, const LinearRequest& request) {
  if (!tensors.has("weight_shape")) return {};
  ASSIGN_OR_RETURN(const Weight tensor,
                   tensors.fetch("weight_shape", {DType::kI64, DType::kI32}, Shape{2}));
  std::int64_t rows = 0, columns = 0;
  if (tensor.view().dtype() == DType::kI64) {
    rows = tensor.view().as<std::int64_t>()[0];
    columns = tensor.view().as<std::int64_t>()[1];
  } else {
    rows = tensor.view().as<std::int32_t>()[0];
    columns = tensor.view().as<std::int32_t>()[1];
  }
  if (rows != static_cast<std::int64_t>(request.n) ||
      columns != static_cast<std::int64_t>(request.k)) {
    return tensors.wrong("weight_shape", fmt::format("says [{}, {}], config.json implies [{}, {}]",
                                                     rows, columns, request.n, request.k));
  }
  return {};
}

Result<LinearWeight> read_packed(const ModuleTensors& tensors, const LinearScheme& scheme,
                                 const LinearRequest& request) {
  const std::size_t n = request.n, k = request.k;
  const std::size_t per_word = 32 / scheme.bits;
  RETURN_IF_ERROR(check_weight_shape(tensors, request));
  ASSIGN_OR_RETURN(const std::size_t group_size,
                   group_size_of(tensors, "weight_packed", scheme, k));
  if (k % per_word != 0) {
    return tensors.wrong("weight_packed",
                         fmt::format("is for {} columns, expected a multiple of {}", k, per_word));
  }
  const std::size_t groups = k / group_size;
  GroupedWeight out{.n = n, .k = k, .bits = scheme.bits, .group_size = group_size};
  // Fields along k, low bits first, in little-endian words: the bytes are as GroupedWeight has
  // them.
  ASSIGN_OR_RETURN(out.stored,
                   tensors.fetch("weight_packed", {DType::kI32}, Shape{n, k / per_word}));
  ASSIGN_OR_RETURN(out.scales, tensors.scales("weight_scale", {Shape{n, groups}}));
  if (scheme.has_zeros) {
    const std::size_t words = (n + per_word - 1) / per_word;
    ASSIGN_OR_RETURN(const Weight zeros,
                     tensors.fetch("weight_zero_point", {DType::kI32}, Shape{words, groups}));
    const std::span<const std::int32_t> packed = zeros.view().as<std::int32_t>();
    out.zeros.resize(n * groups);
    for (std::size_t row = 0; row < n; ++row) {
      for (std::size_t g = 0; g < groups; ++g) {
        out.zeros[row * groups + g] = packed_field(packed.subspan(row / per_word * groups + g, 1),
                                                   row % per_word, scheme.bits);
      }
    }
  }
  if (tensors.has("weight_g_idx")) {
    ASSIGN_OR_RETURN(out.group_of, read_group_of(tensors, "weight_g_idx", k, group_size));
  } else if (scheme.has_order) {
    return tensors.wrong("weight_g_idx", "is missing, quantization_config has actorder group");
  }
  return finish(std::move(out), request, tensors.store());
}

Result<LinearWeight> read_compressed_tensors(const ModuleTensors& tensors,
                                             const LinearScheme& scheme,
                                             const LinearRequest& request) {
  switch (scheme.encoding) {
    case Encoding::kFp8:
      return read_fp8(tensors, scheme, request, "weight_scale");
    case Encoding::kPacked:
      return read_packed(tensors, scheme, request);
    default:
      return read_int8(tensors, request);
  }
}

}  // namespace

const QuantizationMethod kCompressedTensorsMethod = {"compressed-tensors", parse_compressed_tensors,
                                                     read_compressed_tensors};

}  // namespace nacelle::model
