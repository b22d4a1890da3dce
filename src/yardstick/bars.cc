#include "yardstick/bars.h"

#include <fmt/format.h>

#include <algorithm>

namespace nacelle::yardstick {

using kernels::Isa;
using kernels::WeightFormat;

std::vector<Bar> gemm_bars(Isa isa, WeightFormat format, std::size_t m, std::size_t k,
                           std::size_t n) {
  const bool large = m >= 256 && std::min(k, n) >= 1024 && std::max(k, n) <= 8192;
  if (format != WeightFormat::kBF16 || !large) return {};
  const std::string name = "gemm bf16, M >= 256, K and N 1024 to 8192";
  if (isa != Isa::kAmx) return {{name, Bar::Of::kShare, 0.75}};
  return {{name, Bar::Of::kShare, 0.65}, {name, Bar::Of::kPeer, 1.0}};
}

std::vector<Bar> prefill_bars(Isa isa, WeightFormat format) {
  const bool amx = isa == Isa::kAmx;
  if (format == WeightFormat::kBF16) {
    return {{"prefill of 2048 tokens, bf16", Bar::Of::kShare, amx ? 0.45 : 0.60}};
  }
  if (format == WeightFormat::kInt8 && amx) {
    return {{"prefill of 2048 tokens, int8", Bar::Of::kShare, 0.35}};
  }
  return {};
}

std::vector<Bar> decode_bars(WeightFormat format) {
  const double at_least = format == WeightFormat::kBF16   ? 0.88
                          : format == WeightFormat::kInt8 ? 0.85
                                                          : 0.75;
  return {{fmt::format("decode of one stream, {}", to_string(format)), Bar::Of::kShare, at_least}};
}

std::optional<double> max_attention_share(Isa isa) {
  if (isa != Isa::kAmx) return std::nullopt;
  return 0.45;
}

std::vector<Ratio> int8_over_bf16(const std::vector<Row>& rows, Isa isa) {
  std::vector<Ratio> ratios;
  if (isa == Isa::kAmx) return ratios;
  constexpr std::string_view kInt8 = " int8";
  for (const Row& row : rows) {
    if (!row.section.ends_with(kInt8) || row.name != "prefill 2048") continue;
    const std::string model = row.section.substr(0, row.section.size() - kInt8.size());
    const auto base = std::find_if(rows.begin(), rows.end(), [&](const Row& other) {
      return other.section == model + " bf16" && other.name == row.name;
    });
    if (base == rows.end() || !(row.ours.best_s > 0)) continue;
    ratios.push_back({.name = fmt::format("{} {}: int8 over bf16", model, row.name),
                      .how = "tokens per second of one over the other",
                      .value = base->ours.best_s / row.ours.best_s,
                      .bar = kMinInt8OverBf16});
  }
  return ratios;
}

}  // namespace nacelle::yardstick
