// bars.h: what the figures must reach, for a machine with matrix tiles (AMX) and for one without.
//
// Home:    pure; any thread.
#pragma once

#include <cstddef>
#include <optional>
#include <string_view>
#include <vector>

#include "kernels/gemm/gemm.h"
#include "kernels/isa.h"
#include "yardstick/report.h"

namespace nacelle::yardstick {

[[nodiscard]] std::vector<Bar> gemm_bars(kernels::Isa isa, kernels::WeightFormat format,
                                         std::size_t m, std::size_t k, std::size_t n);
[[nodiscard]] std::vector<Bar> prefill_bars(kernels::Isa isa, kernels::WeightFormat format);
[[nodiscard]] std::vector<Bar> decode_bars(kernels::WeightFormat format);  // one stream

// Attention's share of prefill time at 16k tokens: only tiles have a bar.
[[nodiscard]] std::optional<double> max_attention_share(kernels::Isa isa);
inline constexpr double kMinInt8OverBf16 = 1.5;  // prefill rate, without AMX

// Ratios of rows that were measured: int8 against bf16 of the same model, without AMX.
[[nodiscard]] std::vector<Ratio> int8_over_bf16(const std::vector<Row>& rows, kernels::Isa isa);

}  // namespace nacelle::yardstick
