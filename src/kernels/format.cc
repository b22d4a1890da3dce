#include "kernels/format.h"

#include "base/check.h"
#include "tensor/convert.h"
#include "tensor/half.h"

namespace nacelle::kernels {

Format format_of(DType dtype) {
  CHECK(dtype == DType::kF32 || dtype == DType::kBF16 || dtype == DType::kF16);
  if (dtype == DType::kF32) return Format::kF32;
  return dtype == DType::kBF16 ? Format::kBF16 : Format::kF16;
}

void* row_at(void* data, Format format, std::size_t stride, std::size_t row) {
  const std::size_t element_bytes = format == Format::kF32 ? 4 : 2;
  return static_cast<std::byte*>(data) + row * stride * element_bytes;
}

float load_one(const void* data, Format format, std::size_t index) {
  switch (format) {
    case Format::kF32:
      return static_cast<const float*>(data)[index];
    case Format::kBF16:
      return static_cast<float>(static_cast<const BFloat16*>(data)[index]);
    case Format::kF16:
      return static_cast<float>(static_cast<const Float16*>(data)[index]);
    case Format::kF8E4M3:
      return f8_e4m3_to_float(static_cast<const std::uint8_t*>(data)[index]);
    case Format::kI8:
      return static_cast<const std::int8_t*>(data)[index];
  }
  return 0.0F;
}

void store_one(void* data, Format format, std::size_t index, float value) {
  switch (format) {
    case Format::kF32:
      static_cast<float*>(data)[index] = value;
      break;
    case Format::kBF16:
      static_cast<BFloat16*>(data)[index] = BFloat16(value);
      break;
    case Format::kF16:
      static_cast<Float16*>(data)[index] = Float16(value);
      break;
    case Format::kF8E4M3:
    case Format::kI8:
      CHECK(false);  // attention/kv_quantize.h makes them
  }
}

}  // namespace nacelle::kernels
