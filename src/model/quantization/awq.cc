// awq.cc: quant_method "awq", version gemm.
//
//   qweight  I32 [k, n / 8]           nibble j of a word is column 8w + kColumnOf[j]
//   qzeros   I32 [k / group, n / 8]   in the same order
//   scales   F16 [k / group, n]       w = (q - zero) * scale
//
// Source: AutoAWQ, WQLinear_GEMM; engine.md section 30.
#include <algorithm>
#include <array>

#include "model/quantization/grouped_weight.h"
#include "model/quantization/method.h"

namespace nacelle::model {
namespace {

constexpr std::array<std::size_t, 8> kColumnOf = {0, 2, 4, 6, 1, 3, 5, 7};
constexpr std::size_t kWordsPerTile = 16;  // a cache line of words: 128 columns
constexpr std::size_t kTileDepth = 128;    // elements of k, so a tile of rows is 8 KiB

Status parse_awq(FieldReader& fields, QuantizationSpec& spec) {
  LinearScheme scheme{.encoding = Encoding::kAwq, .bits = 4, .has_zeros = true};
  const char* bits_key = fields.has("bits") ? "bits" : "w_bit";
  const std::optional<std::int64_t> bits = fields.integer(bits_key, 1, 32);
  if (bits && *bits != 4) {
    return unimplemented("awq with {} {}, supported: 4", bits_key, *bits);
  }
  const std::string version = fields.text("version").value_or("gemm");
  if (version != "gemm" && version != "GEMM") {
    return unimplemented("awq of version \"{}\", supported: gemm", printable(version));
  }
  if (!fields.boolean_or("zero_point", true)) {
    return unimplemented("awq with zero_point false, supported: true");
  }
  scheme.grain = ScaleGrain::kGroup;
  scheme.group_size = 128;
  read_group_size(fields, fields.has("group_size") ? "group_size" : "q_group_size", scheme);
  read_targets(fields, "modules_to_not_convert", ModuleTarget::Plain::kPartOfName, spec.ignored);
  ASSIGN_OR_RETURN(ModuleTarget all, ModuleTarget::parse("Linear", {}));
  spec.groups.push_back({.targets = {std::move(all)}, .scheme = scheme});
  return {};
}

// Words [k, words] of eight columns each to rows of nibbles along k, [8 * words, k / 2].
std::vector<std::uint8_t> rows_of(std::span<const std::int32_t> source, std::size_t k,
                                  std::size_t words, kernels::WorkerPool& pool) {
  std::vector<std::uint8_t> out(words * 8 * k / 2);
  const std::size_t tiles = (words + kWordsPerTile - 1) / kWordsPerTile;
  pool.run_ranges(tiles, 1, [&](std::size_t first_tile, std::size_t last_tile) {
    std::array<std::uint8_t, kWordsPerTile * 8 * kTileDepth / 2> tile;
    for (std::size_t t = first_tile; t < last_tile; ++t) {
      const std::size_t first = t * kWordsPerTile;
      const std::size_t count = std::min(kWordsPerTile, words - first);
      for (std::size_t begin = 0; begin < k; begin += kTileDepth) {
        const std::size_t depth = std::min(kTileDepth, k - begin);
        for (std::size_t i = 0; i < depth; i += 2) {
          const std::int32_t* const low = source.data() + (begin + i) * words + first;
          for (std::size_t w = 0; w < count; ++w) {
            const auto a = static_cast<std::uint32_t>(low[w]);
            const auto b = static_cast<std::uint32_t>(low[words + w]);
            for (std::size_t j = 0; j < 8; ++j) {
              tile[(w * 8 + kColumnOf[j]) * (kTileDepth / 2) + i / 2] =
                  static_cast<std::uint8_t>(((a >> (4 * j)) & 15) | ((b >> (4 * j)) & 15) << 4);
            }
          }
        }
        for (std::size_t row = 0; row < count * 8; ++row) {
          std::copy_n(
              tile.begin() + static_cast<std::ptrdiff_t>(row * (kTileDepth / 2)), depth / 2,
              out.begin() + static_cast<std::ptrdiff_t>(((first * 8 + row) * k + begin) / 2));
        }
      }
    }
  });
  return out;
}

Result<LinearWeight> read_awq(const ModuleTensors& tensors, const LinearScheme& scheme,
                              const LinearRequest& request) {
  const std::size_t n = request.n, k = request.k;
  ASSIGN_OR_RETURN(const std::size_t group_size, group_size_of(tensors, "qweight", scheme, k));
  if (n % 8 != 0 || k % 2 != 0) {
    return tensors.wrong("qweight",
                         fmt::format("is for {} x {} weights, expected a multiple of 8 x 2", n, k));
  }
  const std::size_t groups = k / group_size;
  ASSIGN_OR_RETURN(const Weight words, tensors.fetch("qweight", {DType::kI32}, Shape{k, n / 8}));
  ASSIGN_OR_RETURN(const Weight zeros,
                   tensors.fetch("qzeros", {DType::kI32}, Shape{groups, n / 8}));
  ASSIGN_OR_RETURN(const std::vector<float> scales, tensors.scales("scales", {Shape{groups, n}}));
  GroupedWeight out{.n = n, .k = k, .bits = 4, .group_size = group_size};
  out.values = rows_of(words.view().as<std::int32_t>(), k, n / 8, request.pool);
  out.scales = transposed(scales, groups, n);
  out.zeros.resize(n * groups);
  const std::span<const std::int32_t> zero_words = zeros.view().as<std::int32_t>();
  for (std::size_t g = 0; g < groups; ++g) {
    for (std::size_t i = 0; i < n; ++i) {
      const std::size_t row = i / 8 * 8 + kColumnOf[i % 8];
      out.zeros[row * groups + g] = packed_field(zero_words, g * n + i, 4);
    }
  }
  return finish(std::move(out), request, tensors.store());
}

}  // namespace

const QuantizationMethod kAwqMethod = {"awq", parse_awq, read_awq};

}  // namespace nacelle::model
