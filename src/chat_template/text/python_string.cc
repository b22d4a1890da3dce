#include "chat_template/text/python_string.h"

#include <algorithm>
#include <cstring>

#include "base/utf8.h"
#include "chat_template/text/unicode.h"

namespace nacelle::chat_template {
namespace {

// Start of the character that ends before `end`.
std::size_t previous_start(std::string_view text, std::size_t end) {
  std::size_t start = end - 1;
  while (start > 0 && (static_cast<unsigned char>(text[start]) & 0xC0) == 0x80) --start;
  return start;
}

std::vector<std::string_view> split_on_space(std::string_view text, long max_splits) {
  std::vector<std::string_view> pieces;
  text = strip(text, Side::kLeft);
  while (!text.empty()) {
    if (max_splits >= 0 && static_cast<long>(pieces.size()) >= max_splits) {
      // The rest keeps its inner and trailing space, as in Python.
      pieces.push_back(text);
      return pieces;
    }
    std::size_t end = 0;
    while (end < text.size()) {
      const Utf8Char c = decode_utf8(text, end);
      if (is_space(c.code_point)) break;
      end += c.length;
    }
    pieces.push_back(text.substr(0, end));
    text = strip(text.substr(end), Side::kLeft);
  }
  return pieces;
}

std::vector<std::string_view> rsplit_on_space(std::string_view text, long max_splits) {
  std::vector<std::string_view> pieces;
  text = strip(text, Side::kRight);
  while (!text.empty()) {
    if (max_splits >= 0 && static_cast<long>(pieces.size()) >= max_splits) {
      pieces.push_back(text);
      break;
    }
    std::size_t start = text.size();
    while (start > 0) {
      const std::size_t before = previous_start(text, start);
      if (is_space(decode_utf8(text, before).code_point)) break;
      start = before;
    }
    pieces.push_back(text.substr(start));
    text = strip(text.substr(0, start), Side::kRight);
  }
  std::reverse(pieces.begin(), pieces.end());
  return pieces;
}

// Offsets of the occurrences of `needle`, the last one first, without overlap, at most `limit`.
// Both texts are reversed, because only the search from the left is linear in the worst case.
std::vector<std::size_t> find_from_right(std::string_view text, std::string_view needle,
                                         std::size_t limit) {
  const std::string reversed_text(text.rbegin(), text.rend());
  const std::string reversed_needle(needle.rbegin(), needle.rend());
  std::vector<std::size_t> found;
  for (std::size_t pos = 0; found.size() < limit;) {
    const std::size_t at = find_text(reversed_text, reversed_needle, pos);
    if (at == std::string_view::npos) break;
    found.push_back(text.size() - at - needle.size());
    pos = at + needle.size();
  }
  return found;
}

bool is_line_break(char32_t c) {
  return (c >= 0x0A && c <= 0x0D) || (c >= 0x1C && c <= 0x1E) || c == 0x85 || c == 0x2028 ||
         c == 0x2029;
}

}  // namespace

std::string_view strip(std::string_view text, Side side, std::optional<std::string_view> chars) {
  const auto removable = [&](std::size_t pos, std::size_t length) {
    if (!chars) return is_space(decode_utf8(text, pos).code_point);
    return chars->find(text.substr(pos, length)) != std::string_view::npos;
  };
  if (side != Side::kRight) {
    std::size_t start = 0;
    while (start < text.size()) {
      const std::size_t length = decode_utf8(text, start).length;
      if (!removable(start, length)) break;
      start += length;
    }
    text.remove_prefix(start);
  }
  if (side != Side::kLeft) {
    while (!text.empty()) {
      const std::size_t start = previous_start(text, text.size());
      if (!removable(start, text.size() - start)) break;
      text.remove_suffix(text.size() - start);
    }
  }
  return text;
}

std::vector<std::string_view> split(std::string_view text,
                                    std::optional<std::string_view> separator, long max_splits,
                                    Side from) {
  if (!separator) {
    return from == Side::kRight ? rsplit_on_space(text, max_splits)
                                : split_on_space(text, max_splits);
  }
  std::vector<std::string_view> pieces;
  if (from == Side::kRight) {
    const std::size_t limit =
        max_splits < 0 ? text.size() + 1 : static_cast<std::size_t>(max_splits);
    for (const std::size_t at : find_from_right(text, *separator, limit)) {
      pieces.push_back(text.substr(at + separator->size()));
      text = text.substr(0, at);
    }
    pieces.push_back(text);
    std::reverse(pieces.begin(), pieces.end());
    return pieces;
  }
  while (max_splits < 0 || static_cast<long>(pieces.size()) < max_splits) {
    const std::size_t at = find_text(text, *separator);
    if (at == std::string_view::npos) break;
    pieces.push_back(text.substr(0, at));
    text.remove_prefix(at + separator->size());
  }
  pieces.push_back(text);
  return pieces;
}

std::size_t most_pieces(std::string_view text, std::optional<std::string_view> separator) {
  if (separator) return count_text(text, *separator) + 1;
  // Line breaks are white space too.
  std::size_t spaces = 0;
  for (std::size_t pos = 0; pos < text.size();) {
    const Utf8Char c = decode_utf8(text, pos);
    if (is_space(c.code_point)) ++spaces;
    pos += c.length;
  }
  return spaces + 1;
}

std::vector<std::string_view> split_lines(std::string_view text, bool keep_ends) {
  std::vector<std::string_view> lines;
  std::size_t start = 0;
  for (std::size_t pos = 0; pos < text.size();) {
    const Utf8Char c = decode_utf8(text, pos);
    std::size_t next = pos + c.length;
    if (is_line_break(c.code_point)) {
      if (c.code_point == '\r' && next < text.size() && text[next] == '\n') ++next;
      lines.push_back(text.substr(start, (keep_ends ? next : pos) - start));
      start = next;
    }
    pos = next;
  }
  if (start < text.size()) lines.push_back(text.substr(start));
  return lines;
}

std::size_t find_text(std::string_view text, std::string_view needle, std::size_t from) {
  if (from > text.size()) return std::string_view::npos;
  if (needle.empty()) return from;
  // memmem is linear in the worst case, std::string_view::find is not.
  const void* found =
      ::memmem(text.data() + from, text.size() - from, needle.data(), needle.size());
  if (found == nullptr) return std::string_view::npos;
  return static_cast<std::size_t>(static_cast<const char*>(found) - text.data());
}

std::size_t rfind_text(std::string_view text, std::string_view needle) {
  if (needle.empty()) return text.size();
  const std::vector<std::size_t> found = find_from_right(text, needle, 1);
  return found.empty() ? std::string_view::npos : found.front();
}

std::size_t count_text(std::string_view text, std::string_view needle) {
  if (needle.empty()) return utf8_length(text) + 1;
  std::size_t count = 0;
  for (std::size_t at = find_text(text, needle); at != std::string_view::npos;
       at = find_text(text, needle, at + needle.size())) {
    ++count;
  }
  return count;
}

std::string replace_text(std::string_view text, std::string_view from, std::string_view to,
                         long count) {
  std::string out;
  if (from.empty()) {
    // The replacement goes before each character and at the end.
    std::size_t pos = 0;
    while (count != 0) {
      out += to;
      --count;
      if (pos >= text.size()) return out;
      const std::size_t length = decode_utf8(text, pos).length;
      out += text.substr(pos, length);
      pos += length;
    }
    return out.append(text.substr(pos));
  }
  std::size_t pos = 0;
  while (count != 0) {
    const std::size_t at = find_text(text, from, pos);
    if (at == std::string_view::npos) break;
    out += text.substr(pos, at - pos);
    out += to;
    pos = at + from.size();
    --count;
  }
  return out.append(text.substr(pos));
}

std::string capitalize(std::string_view text) {
  std::string out;
  for (std::size_t pos = 0; pos < text.size();) {
    const Utf8Char c = decode_utf8(text, pos);
    if (pos == 0) {
      append_title(c.code_point, out);
    } else {
      append_lower(text, pos, out);
    }
    pos += c.length;
  }
  return out;
}

std::string title_case(std::string_view text) {
  std::string out;
  bool in_word = false;
  for (std::size_t pos = 0; pos < text.size();) {
    const Utf8Char c = decode_utf8(text, pos);
    if (in_word) {
      append_lower(text, pos, out);
    } else {
      append_title(c.code_point, out);
    }
    in_word = is_upper(c.code_point) || is_lower(c.code_point) || is_title(c.code_point);
    pos += c.length;
  }
  return out;
}

std::string swap_case(std::string_view text) {
  std::string out;
  for (std::size_t pos = 0; pos < text.size();) {
    const Utf8Char c = decode_utf8(text, pos);
    if (is_upper(c.code_point)) {
      append_lower(text, pos, out);
    } else if (is_lower(c.code_point)) {
      append_upper(c.code_point, out);
    } else {
      append_utf8(out, c.code_point);
    }
    pos += c.length;
  }
  return out;
}

std::size_t byte_offset(std::string_view text, std::size_t index) {
  std::size_t pos = 0;
  while (index > 0 && pos < text.size()) {
    pos += decode_utf8(text, pos).length;
    --index;
  }
  return pos;
}

std::string escape_html(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (const char c : text) {
    switch (c) {
      case '&':
        out += "&amp;";
        break;
      case '<':
        out += "&lt;";
        break;
      case '>':
        out += "&gt;";
        break;
      case '\'':
        out += "&#39;";
        break;
      case '"':
        out += "&#34;";
        break;
      default:
        out += c;
    }
  }
  return out;
}

}  // namespace nacelle::chat_template
