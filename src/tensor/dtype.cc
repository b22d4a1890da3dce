#include "tensor/dtype.h"

#include <array>

namespace nacelle {
namespace {

struct Row {
  DType dtype;
  std::size_t size;
  bool floating;
  std::string_view name;
  std::string_view safetensors;
};

// In enum order: row i describes DType(i).
constexpr std::array<Row, 13> kRows = {{
    {DType::kF64, 8, true, "float64", "F64"},
    {DType::kF32, 4, true, "float32", "F32"},
    {DType::kF16, 2, true, "float16", "F16"},
    {DType::kBF16, 2, true, "bfloat16", "BF16"},
    {DType::kF8E4M3, 1, true, "float8_e4m3fn", "F8_E4M3"},
    {DType::kF8E5M2, 1, true, "float8_e5m2", "F8_E5M2"},
    {DType::kF8E8M0, 1, true, "float8_e8m0fnu", "F8_E8M0"},
    {DType::kI64, 8, false, "int64", "I64"},
    {DType::kI32, 4, false, "int32", "I32"},
    {DType::kI16, 2, false, "int16", "I16"},
    {DType::kI8, 1, false, "int8", "I8"},
    {DType::kU8, 1, false, "uint8", "U8"},
    {DType::kBool, 1, false, "bool", "BOOL"},
}};

const Row& row(DType dtype) { return kRows[static_cast<std::size_t>(dtype)]; }

}  // namespace

std::size_t size_of(DType dtype) { return row(dtype).size; }
bool is_floating(DType dtype) { return row(dtype).floating; }
std::string_view to_string(DType dtype) { return row(dtype).name; }
std::string_view safetensors_name(DType dtype) { return row(dtype).safetensors; }

Result<DType> parse_safetensors_dtype(std::string_view name) {
  for (const Row& candidate : kRows) {
    if (candidate.safetensors == name) return candidate.dtype;
  }
  return invalid_argument("unknown safetensors dtype '{}'", name);
}

Result<DType> parse_dtype(std::string_view name) {
  std::string_view bare = name;
  if (bare.starts_with("torch.")) bare.remove_prefix(6);
  for (const Row& candidate : kRows) {
    if (candidate.name == bare) return candidate.dtype;
  }
  if (bare == "half") return DType::kF16;
  if (bare == "float") return DType::kF32;
  if (bare == "double") return DType::kF64;
  if (bare == "float8_e4m3") return DType::kF8E4M3;
  return invalid_argument("unknown dtype '{}'", name);
}

}  // namespace nacelle
