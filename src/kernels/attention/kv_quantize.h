// kv_quantize.h: K and V values to their 8-bit formats.
//
// Inside of the component. Both round to nearest even.
//
// Source:  OCP 8-bit floating point specification, E4M3; engine.md section 30 "KV cache scales".
#pragma once

#include <cstddef>
#include <cstdint>

namespace nacelle::kernels {

// target[i] = e4m3 of values[i] / scale, saturating at 448; NaN stays NaN.
void quantize_e4m3(const float* values, std::size_t count, float scale, std::uint8_t* target);

// target[i] = values[i] / s in [-127, 127] with s = largest magnitude / 127, which is returned. 0
// for zeros only. NaN, with zeros in target, when a value is not finite: what reads them becomes
// NaN.
float quantize_i8(const float* values, std::size_t count, std::uint8_t* target);

}  // namespace nacelle::kernels
