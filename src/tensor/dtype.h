// dtype.h: the element types that checkpoints and kernels use, their sizes and names.
//
// Names follow two dialects: safetensors headers ("BF16", "F8_E4M3") and configuration files
// ("bfloat16", "float16"). Shared by every component above tensor/, so it lives in `nacelle`.
//
// Errors:  the parsers return invalid_argument for a name that is not in the table.
// Source:  safetensors format, "dtype" field; PyTorch dtype names.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/result.h"

namespace nacelle {

enum class DType : std::uint8_t {
  kF64,
  kF32,
  kF16,
  kBF16,
  kF8E4M3,  // the "fn" variant: no infinities, 0x7f and 0xff are NaN, largest value 448
  kF8E5M2,
  kF8E8M0,  // a power of two scale: 2^(byte - 127), 0xff is NaN
  kI64,
  kI32,
  kI16,
  kI8,
  kU8,
  kBool,
};

// Bytes of one element.
[[nodiscard]] std::size_t size_of(DType dtype);

[[nodiscard]] bool is_floating(DType dtype);

// Configuration name: "float32", "bfloat16", "float8_e4m3fn", "int64", ...
[[nodiscard]] std::string_view to_string(DType dtype);

// Safetensors name: "F32", "BF16", "F8_E4M3", "I64", ...
[[nodiscard]] std::string_view safetensors_name(DType dtype);

// "BF16" -> kBF16.
[[nodiscard]] Result<DType> parse_safetensors_dtype(std::string_view name);

// "bfloat16", "torch.bfloat16", "half", "float" -> the type.
[[nodiscard]] Result<DType> parse_dtype(std::string_view name);

}  // namespace nacelle
