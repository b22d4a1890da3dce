#include "model/quantization/load_quantization.h"

#include <algorithm>

#include "model/field_reader.h"
#include "model/quantization/linear_scheme.h"
#include "model/quantization/method.h"
#include "model/quantization/quantization_spec.h"

namespace nacelle::model {
namespace {

using Linears = LoadQuantization::Linears;

constexpr std::string_view kHead8 = "-head8";
constexpr std::string_view kHead16 = "-head16";

// The form in which a stored scheme is loaded.
Linears loads_as(const LinearScheme& scheme) {
  if (scheme.encoding == Encoding::kInt8) return Linears::kInt8;
  const bool is_float = scheme.encoding == Encoding::kFp8;
  return !is_float && scheme.bits == 4 ? Linears::kInt4 : Linears::kAsStored;
}

// Names under which vLLM's users know kernels for the same files.
std::string_view method_of(std::string_view name) {
  if (name == "awq_marlin") return "awq";
  if (name == "gptq_marlin") return "gptq";
  return find_method(name) == nullptr ? "" : name;
}

}  // namespace

Result<LoadQuantization> LoadQuantization::parse(std::string_view name) {
  LoadQuantization out;
  std::string_view base = name;
  const bool head8 = base.ends_with(kHead8);
  const bool head16 = base.ends_with(kHead16);
  if (head8) base.remove_suffix(kHead8.size());
  if (head16) base.remove_suffix(kHead16.size());
  if (base == "int8") {
    out.linears = Linears::kInt8;
  } else if (base == "int4" || base == "int4-g128" || base == "int4-g64" || base == "int4-g32") {
    out.linears = Linears::kInt4;
    out.group_size = base == "int4-g32" ? 32 : base == "int4-g64" ? 64 : 128;
  } else if (!method_of(base).empty()) {
    out.method = method_of(base);
  } else if (!name.empty()) {
    return invalid_argument(
        "quantization \"{}\" is not supported, accepted: int8, int4 (groups of 128), int4-g64, "
        "int4-g32, each also with -head16; of a quantised checkpoint: {}",
        printable(name), supported_methods());
  }
  out.int8_head = head8 || (out.linears != Linears::kAsStored && !head16);
  return out;
}

Status LoadQuantization::check(const QuantizationSpec* checkpoint) const {
  if (!method.empty()) {
    if (checkpoint == nullptr) {
      return invalid_argument(
          "quantization {} is asked for, config.json has no quantization_config; a dense "
          "checkpoint "
          "can be quantised with int8 or int4",
          method);
    }
    if (checkpoint->method_name() != method) {
      return invalid_argument("quantization {} is asked for, config.json says {}", method,
                              checkpoint->method_name());
    }
  }
  if (linears == Linears::kAsStored || checkpoint == nullptr) return {};
  for (const QuantizationSpec::Group& group : checkpoint->groups) {
    const Linears stored = loads_as(group.scheme);
    if (stored == Linears::kAsStored || stored == linears) continue;
    return invalid_argument(
        "quantization {} is asked for, the checkpoint already has {} weights ({})",
        linears == Linears::kInt8 ? "int8" : "int4", to_string(group.scheme),
        checkpoint->method_name());
  }
  return {};
}

LoadQuantization LoadQuantization::like(const LinearScheme& scheme) {
  LoadQuantization out;
  out.linears = loads_as(scheme);
  if (scheme.grain == ScaleGrain::kGroup) out.group_size = scheme.group_size;
  return out;
}

double bytes_per_weight(const LoadQuantization& wanted, const LinearScheme* scheme,
                        std::size_t dense_bytes) {
  Linears form = scheme == nullptr ? Linears::kAsStored : loads_as(*scheme);
  if (form == Linears::kAsStored) form = wanted.linears;
  if (form == Linears::kInt8) return 1.0;
  if (form == Linears::kInt4) return 0.5 + 4.0 / 128;
  return static_cast<double>(dense_bytes);
}

}  // namespace nacelle::model
