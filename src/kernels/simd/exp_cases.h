// exp_cases.h: arguments and the measure of error for the tests of exp.inc.
#pragma once

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdint>
#include <vector>

namespace nacelle::kernels {

// Every 1009th float between -104 and 88.72 of either sign; a multiple of 16 of them.
inline std::vector<float> exp_arguments() {
  std::vector<float> x;
  for (std::uint32_t bits = 0; bits < 0x42d20000u; bits += 1009) {
    const float value = std::bit_cast<float>(bits);
    if (value < 88.72F) x.push_back(value);
    x.push_back(-value);
  }
  while (x.size() % 16 != 0) x.push_back(0.0F);
  return x;
}

// The largest |out[i] - e^x[i]| in the spacing of floats at the result, subnormal ones included.
inline double worst_exp_error(const std::vector<float>& x, const std::vector<float>& out) {
  double worst = 0;
  for (std::size_t i = 0; i < x.size(); ++i) {
    const double exact = std::exp(double{x[i]});
    const double unit = std::ldexp(1.0, std::max(std::ilogb(exact) - 23, -149));
    worst = std::max(worst, std::abs(out[i] - exact) / unit);
  }
  return worst;
}

}  // namespace nacelle::kernels
