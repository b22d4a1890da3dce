// hex.h: a number as 16 lower case hex digits; what ids are made of, many times per request.
#pragma once

#include <cstdint>
#include <string>

namespace nacelle {

inline void append_hex(std::string& out, std::uint64_t value) {
  char digits[16];
  for (int i = 15; i >= 0; --i, value >>= 4) digits[i] = "0123456789abcdef"[value & 15];
  out.append(digits, sizeof(digits));
}

}  // namespace nacelle
