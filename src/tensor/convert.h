// convert.h: bulk conversion between element types, through f32.
//
// Sources: every floating type. Targets: f64, f32, f16, bf16. Rounds to nearest even; f64 to f32
// rounds first. `source` and `target` need no alignment beyond the element's and must not overlap.
//
// Errors:  unimplemented for a pair outside those lists.
#pragma once

#include <cstddef>
#include <cstdint>

#include "base/status.h"
#include "tensor/dtype.h"

namespace nacelle {

[[nodiscard]] Status convert(DType from, const void* source, DType to, void* target,
                             std::size_t count);

// Single values of the 8-bit types. The largest e4m3 value is 448; 0x7f and 0xff are NaN.
[[nodiscard]] float f8_e4m3_to_float(std::uint8_t bits);
[[nodiscard]] float f8_e5m2_to_float(std::uint8_t bits);
[[nodiscard]] float f8_e8m0_to_float(std::uint8_t bits);

}  // namespace nacelle
