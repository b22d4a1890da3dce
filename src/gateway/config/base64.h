// base64.h: the data of a Secret. RFC 4648 with padding; white space between groups is skipped.
//
// Home:    pure; any thread. nullopt for text that is no base64.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace nacelle::gateway {

[[nodiscard]] inline std::optional<std::string> decode_base64(std::string_view text) {
  std::string out;
  unsigned bits = 0, count = 0, padding = 0;
  for (const char c : text) {
    if (c == '\n' || c == '\r' || c == ' ' || c == '\t') continue;
    unsigned value = 0;
    if (c >= 'A' && c <= 'Z')
      value = static_cast<unsigned>(c - 'A');
    else if (c >= 'a' && c <= 'z')
      value = static_cast<unsigned>(c - 'a') + 26;
    else if (c >= '0' && c <= '9')
      value = static_cast<unsigned>(c - '0') + 52;
    else if (c == '+')
      value = 62;
    else if (c == '/')
      value = 63;
    else if (c == '=')
      ++padding;
    else
      return std::nullopt;
    if (padding > 0 && c != '=') return std::nullopt;
    bits = (bits << 6) | value;
    if (++count == 4) {
      if (padding > 2) return std::nullopt;
      out += static_cast<char>(bits >> 16 & 0xff);
      if (padding < 2) out += static_cast<char>(bits >> 8 & 0xff);
      if (padding < 1) out += static_cast<char>(bits & 0xff);
      bits = count = 0;
    }
  }
  if (count != 0) return std::nullopt;
  return out;
}

}  // namespace nacelle::gateway
