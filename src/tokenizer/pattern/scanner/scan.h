// scan.h: the steps that the word scanners are made of.
//
// Each works on valid UTF-8 and byte offsets; flags are those of unicode/char_class.h.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "tokenizer/unicode/char_class.h"
#include "tokenizer/unicode/utf8_cursor.h"

namespace nacelle::tokenizer {

class Scan {
 public:
  explicit Scan(std::string_view text)
      : data_(text.data()), size_(text.size()), table_(char_flags()), latin1_(table_.latin1()) {}

  struct Char {
    std::uint8_t flags;
    std::uint32_t length;
  };

  [[nodiscard]] std::size_t size() const { return size_; }
  [[nodiscard]] char byte(std::size_t pos) const { return data_[pos]; }

  [[nodiscard]] Char at(std::size_t pos) const {
    const auto b = static_cast<std::uint8_t>(data_[pos]);
    if (b < 0x80) [[likely]]
      return {latin1_[b], 1};
    const DecodedChar d = decode_valid(data_ + pos);
    return {table_[d.code_point], d.length};
  }

  // Flags of the character at `pos`, 0 at the end of the text.
  [[nodiscard]] std::uint8_t flags_at(std::size_t pos) const {
    return pos < size_ ? at(pos).flags : std::uint8_t{0};
  }

  // End of the run of characters that have a flag of `mask`.
  [[nodiscard]] std::size_t run(std::size_t pos, std::uint8_t mask) const {
    while (pos < size_) {
      const Char c = at(pos);
      if ((c.flags & mask) == 0) break;
      pos += c.length;
    }
    return pos;
  }

  // End of the run of characters that have no flag of `mask`.
  [[nodiscard]] std::size_t run_without(std::size_t pos, std::uint8_t mask) const {
    while (pos < size_) {
      const Char c = at(pos);
      if ((c.flags & mask) != 0) break;
      pos += c.length;
    }
    return pos;
  }

  // At most `limit` characters that have a flag of `mask`.
  [[nodiscard]] std::size_t run_at_most(std::size_t pos, std::uint8_t mask, int limit) const {
    for (; limit > 0 && pos < size_; --limit) {
      const Char c = at(pos);
      if ((c.flags & mask) == 0) break;
      pos += c.length;
    }
    return pos;
  }

  // [\r\n]* or, with `slash`, [\r\n/]*.
  [[nodiscard]] std::size_t newlines(std::size_t pos, bool slash = false) const {
    while (pos < size_ &&
           (data_[pos] == '\r' || data_[pos] == '\n' || (slash && data_[pos] == '/'))) {
      ++pos;
    }
    return pos;
  }

  // \s*[\r\n]+|\s+(?!\S)|\s+ at a white space character. Without `by_line` the first part is left
  // out.
  [[nodiscard]] std::size_t white_space(std::size_t pos, bool by_line) const {
    std::size_t end = pos, last_char = pos, after_newline = 0;
    while (end < size_) {
      const Char c = at(end);
      if ((c.flags & flag::kSpace) == 0) break;
      last_char = end;
      end += c.length;
      if ((c.flags & flag::kNewline) != 0) after_newline = end;
    }
    if (by_line && after_newline != 0) return after_newline;
    if (end == size_ || last_char == pos) return end;
    return last_char;  // the last one belongs to the word that follows
  }

  // 's|'t|'re|'ve|'m|'ll|'d at an apostrophe; `pos` when there is none. With `any_case` as in
  // (?i:...), where U+017F counts as an s.
  [[nodiscard]] std::size_t contraction(std::size_t pos, bool any_case) const {
    if (pos + 1 >= size_ || data_[pos] != '\'') return pos;
    const char fold = any_case ? 0x20 : 0;
    const auto letter = [&](std::size_t i) {
      const char c = data_[i];
      return c >= 'A' && c <= 'Z' ? static_cast<char>(c | fold) : c;
    };
    const char a = letter(pos + 1);
    if (a == 's' || a == 't' || a == 'm' || a == 'd') return pos + 2;
    if (pos + 2 >= size_) return pos;
    if (any_case && a == '\xC5' && data_[pos + 2] == '\xBF') return pos + 3;
    const char b = letter(pos + 2);
    if (((a == 'r' || a == 'v') && b == 'e') || (a == 'l' && b == 'l')) return pos + 3;
    return pos;
  }

 private:
  const char* data_;
  std::size_t size_;
  const CharTable& table_;
  const std::uint8_t* latin1_;
};

}  // namespace nacelle::tokenizer
