#include "net/http/content_length.h"

namespace nacelle::net::http {

std::optional<std::uint64_t> parse_length(std::string_view text) {
  if (text.empty() || text.size() > 18) return std::nullopt;  // 18 digits cannot overflow
  std::uint64_t value = 0;
  for (const char c : text) {
    if (c < '0' || c > '9') return std::nullopt;
    value = value * 10 + static_cast<std::uint64_t>(c - '0');
  }
  return value;
}

std::optional<std::uint64_t> declared_length(const Headers& headers) {
  const auto text = headers.find("content-length");
  return text ? parse_length(*text) : std::nullopt;
}

}  // namespace nacelle::net::http
