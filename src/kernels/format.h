// format.h: the storage formats that vector code knows, and small helpers of the ops' dispatch.
//
// Inside of the component. Files compiled for one instruction set include this header for the enum
// only: nothing here is inline code.
#pragma once

#include <cstddef>
#include <cstdint>

#include "tensor/dtype.h"

namespace nacelle::kernels {

// kF8E4M3 and kI8 are formats of K and V only; rows of activations never have them.
enum class Format : std::uint8_t { kF32, kBF16, kF16, kF8E4M3, kI8 };

// The format of f32, bf16 or f16; any other dtype is a bug of the caller.
[[nodiscard]] Format format_of(DType dtype);

// Row `row` of rows that are `stride` elements of `format` apart.
[[nodiscard]] void* row_at(void* data, Format format, std::size_t stride, std::size_t row);

// One value, as f32 and back with round to nearest even. For the reference implementations.
[[nodiscard]] float load_one(const void* data, Format format, std::size_t index);
void store_one(void* data, Format format, std::size_t index, float value);

}  // namespace nacelle::kernels
