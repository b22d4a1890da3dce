// deepseek_scanner.h: the third Split of DeepSeek V3's pre-tokenizer.
//
//   [ASCII punctuation][A-Za-z]+|[^\r\n\p{L}\p{P}\p{S}]?[\p{L}\p{M}]+| ?[\p{P}\p{S}]+[\r\n]*
//   |\s*[\r\n]+|\s+(?!\S)|\s+
//
// Digits and control characters match nothing: they are gaps.
#pragma once

#include "tokenizer/pattern/scanner/scan.h"
#include "tokenizer/pattern/word_scanner.h"

namespace nacelle::tokenizer {

class DeepseekScanner final : public WordScanner {
 public:
  [[nodiscard]] WordEnd next(std::string_view text, std::size_t pos) const override {
    const Scan scan(text);
    if (const std::size_t end = match(scan, pos); end != pos) return {end, true};
    std::size_t end = pos;
    do {
      end += scan.at(end).length;
    } while (end < text.size() && match(scan, end) == end);
    return {end, false};
  }

 private:
  static constexpr std::uint8_t kWord = flag::kLetter | flag::kMark;

  static bool is_ascii_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }

  static std::size_t match(const Scan& scan, std::size_t pos) {
    const Scan::Char c = scan.at(pos);
    const std::size_t after = pos + c.length;
    const bool ascii_symbol = c.length == 1 && (c.flags & flag::kSymbol) != 0;
    if (ascii_symbol && after < scan.size() && is_ascii_letter(scan.byte(after))) {
      std::size_t end = after + 1;
      while (end < scan.size() && is_ascii_letter(scan.byte(end))) ++end;
      return end;
    }
    const std::uint8_t next = scan.flags_at(after);
    const bool prefix = (c.flags & (flag::kNewline | flag::kLetter | flag::kSymbol)) == 0;
    if (prefix && (next & kWord) != 0) return scan.run(after, kWord);
    if ((c.flags & kWord) != 0) return scan.run(after, kWord);
    if ((c.flags & flag::kSymbol) != 0) return scan.newlines(scan.run(after, flag::kSymbol));
    if ((c.flags & flag::kSpace) == 0) return pos;
    if (scan.byte(pos) == ' ' && (next & flag::kSymbol) != 0) {
      return scan.newlines(scan.run(after, flag::kSymbol));
    }
    return scan.white_space(pos, true);
  }
};

}  // namespace nacelle::tokenizer
