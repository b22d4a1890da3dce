#include "base/json_string.h"

#include <iterator>

#include <fmt/format.h>

#include "base/utf8.h"

namespace nacelle {

void append_json_string(std::string& out, std::string_view text) {
  out += '"';
  std::size_t clean = 0;
  const auto flush = [&](std::size_t end) { out.append(text.substr(clean, end - clean)); };
  std::string repaired;
  if (!is_valid_utf8(text)) {
    repaired = sanitize_utf8(text);
    text = repaired;
  }
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto c = static_cast<unsigned char>(text[i]);
    if (c >= 0x20 && c != '"' && c != '\\' && c != 0x7f) continue;
    flush(i);
    clean = i + 1;
    if (c == '"' || c == '\\') {
      out.append("\\").append(1, static_cast<char>(c));
    } else {
      fmt::format_to(std::back_inserter(out), "\\u{:04x}", c);
    }
  }
  flush(text.size());
  out += '"';
}

}  // namespace nacelle
