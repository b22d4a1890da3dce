// gptq.cc: quant_method "gptq", 4 and 8 bits.
//
//   qweight  I32 [k * bits / 32, n]          packed along k, low bits first
//   qzeros   I32 [k / group, n * bits / 32]  packed along n; checkpoint_format "gptq": zero - 1,
//                                            "gptq_v2": zero
//   scales   F16 [k / group, n]              w = (q - zero) * scale
//   g_idx    I32 [k]                         group of each column; not i / group with desc_act
//
// Source: AutoGPTQ and GPTQModel, qlinear; engine.md section 30.
#include <algorithm>
#include <cstring>

#include <nlohmann/json.hpp>

#include "model/quantization/grouped_weight.h"
#include "model/quantization/method.h"

namespace nacelle::model {
namespace {

Status parse_gptq(FieldReader& fields, QuantizationSpec& spec) {
  LinearScheme scheme{.encoding = Encoding::kGptq, .bits = 4, .has_zeros = true};
  if (!fields.has("bits")) fields.complain(fields.prefix() + "bits is missing, accepted: 4, 8");
  const std::optional<std::int64_t> bits = fields.integer("bits", 1, 32);
  if (bits && *bits != 4 && *bits != 8) {
    return unimplemented("gptq with bits {}, supported: 4, 8", *bits);
  }
  scheme.bits = static_cast<std::uint32_t>(bits.value_or(4));
  const std::string format = fields.text("checkpoint_format").value_or("gptq");
  if ((format != "gptq" && format != "gptq_v2") || fields.boolean_or("is_marlin_format", false)) {
    return unimplemented("gptq with checkpoint_format \"{}\", supported: gptq, gptq_v2",
                         format == "gptq" ? "marlin" : printable(format));
  }
  scheme.zeros_less_one = format == "gptq";
  if (const auto dynamic = fields.nested("dynamic"); dynamic && !dynamic->object().empty()) {
    return unimplemented("gptq with dynamic (bits that differ per module), supported: none");
  }
  scheme.has_order = fields.boolean_or("desc_act", false);
  (void)fields.boolean_or("sym", true);  // the zero points say the same
  scheme.grain = ScaleGrain::kGroup;
  scheme.group_size = 128;
  read_group_size(fields, "group_size", scheme);
  read_targets(fields, "modules_to_not_convert", ModuleTarget::Plain::kPartOfName, spec.ignored);
  ASSIGN_OR_RETURN(ModuleTarget all, ModuleTarget::parse("Linear", {}));
  spec.groups.push_back({.targets = {std::move(all)}, .scheme = scheme});
  return {};
}

// [rows, columns] words to [columns, rows]: a word holds neighbours along k before and after.
std::vector<std::uint8_t> rows_of(std::span<const std::int32_t> source, std::size_t rows,
                                  std::size_t columns, kernels::WorkerPool& pool) {
  constexpr std::size_t kTile = 16;
  std::vector<std::uint8_t> out(source.size_bytes());
  pool.run_ranges((columns + kTile - 1) / kTile, 1, [&](std::size_t begin, std::size_t end) {
    for (std::size_t first_row = 0; first_row < rows; first_row += kTile) {
      const std::size_t last_row = std::min(rows, first_row + kTile);
      for (std::size_t c = begin * kTile; c < std::min(columns, end * kTile); ++c) {
        for (std::size_t r = first_row; r < last_row; ++r) {
          std::memcpy(&out[(c * rows + r) * 4], &source[r * columns + c], 4);
        }
      }
    }
  });
  return out;
}

Result<LinearWeight> read_gptq(const ModuleTensors& tensors, const LinearScheme& scheme,
                               const LinearRequest& request) {
  const std::size_t n = request.n, k = request.k;
  const std::size_t per_word = 32 / scheme.bits;
  ASSIGN_OR_RETURN(const std::size_t group_size, group_size_of(tensors, "qweight", scheme, k));
  if (n % per_word != 0 || k % per_word != 0) {
    return tensors.wrong(
        "qweight", fmt::format("is for {} x {} weights, expected multiples of {}", n, k, per_word));
  }
  const std::size_t groups = k / group_size;
  ASSIGN_OR_RETURN(const Weight words,
                   tensors.fetch("qweight", {DType::kI32}, Shape{k / per_word, n}));
  ASSIGN_OR_RETURN(const Weight zeros,
                   tensors.fetch("qzeros", {DType::kI32}, Shape{groups, n / per_word}));
  ASSIGN_OR_RETURN(const std::vector<float> scales, tensors.scales("scales", {Shape{groups, n}}));
  GroupedWeight out{.n = n, .k = k, .bits = scheme.bits, .group_size = group_size};
  if (tensors.has("g_idx")) {
    ASSIGN_OR_RETURN(out.group_of, read_group_of(tensors, "g_idx", k, group_size));
  } else if (scheme.has_order) {
    return tensors.wrong("g_idx", "is missing, quantization_config has desc_act true");
  }
  out.values = rows_of(words.view().as<std::int32_t>(), k / per_word, n, request.pool);
  out.scales = transposed(scales, groups, n);
  out.zeros.resize(n * groups);
  const std::span<const std::int32_t> zero_words = zeros.view().as<std::int32_t>();
  const std::uint32_t mask = (1u << scheme.bits) - 1;
  for (std::size_t g = 0; g < groups; ++g) {
    for (std::size_t row = 0; row < n; ++row) {
      const std::uint32_t zero = packed_field(zero_words, g * n + row, scheme.bits) +
                                 std::uint32_t{scheme.zeros_less_one ? 1u : 0u};
      out.zeros[row * groups + g] = static_cast<std::uint8_t>(zero & mask);
    }
  }
  return finish(std::move(out), request, tensors.store());
}

}  // namespace

const QuantizationMethod kGptqMethod = {"gptq", parse_gptq, read_gptq};

}  // namespace nacelle::model
