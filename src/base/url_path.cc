#include "base/url_path.h"

namespace nacelle {
namespace {

constexpr std::string_view kPlain =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~!$&'()*+,;=:@/";
constexpr std::string_view kHex = "0123456789ABCDEF";

void append(std::string& out, char c) {
  if (kPlain.find(c) != std::string_view::npos) {
    out += c;
    return;
  }
  const auto byte = static_cast<unsigned char>(c);
  out += '%';
  out += kHex[byte >> 4U];
  out += kHex[byte & 15U];
}

bool is_hex(char c) {
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

}  // namespace

std::string percent_encode_path(std::string_view text) {
  std::string out;
  for (const char c : text) append(out, c);
  return out;
}

std::string as_url_path(std::string_view path) {
  std::string out;
  for (std::size_t i = 0; i < path.size(); ++i) {
    const bool code =
        path[i] == '%' && i + 2 < path.size() && is_hex(path[i + 1]) && is_hex(path[i + 2]);
    if (code)
      out += '%';
    else
      append(out, path[i]);
  }
  return out;
}

}  // namespace nacelle
