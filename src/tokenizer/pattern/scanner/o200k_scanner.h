// o200k_scanner.h: the regex of o200k (gpt-oss) and of Mistral's tekken.
//
//   P?U*W+C?|P?U+W*C?|\p{N}{1,DIGITS}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+
//   P = [^\r\n\p{L}\p{N}]   U = [\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]   W = [\p{Ll}\p{Lm}\p{Lo}\p{M}]
//   C = (?i:'s|'t|'re|'ve|'m|'ll|'d), absent in tekken
#pragma once

#include "tokenizer/pattern/scanner/scan.h"
#include "tokenizer/pattern/word_scanner.h"

namespace nacelle::tokenizer {

template <int kDigits, bool kContractions>
class O200kScanner final : public WordScanner {
 public:
  [[nodiscard]] WordEnd next(std::string_view text, std::size_t pos) const override {
    const Scan scan(text);
    const Scan::Char c = scan.at(pos);
    if (std::size_t end = word(scan, pos, c); end != 0) {
      if (kContractions && end < text.size()) end = scan.contraction(end, true);
      return {end, true};
    }
    const std::size_t after = pos + c.length;
    if ((c.flags & flag::kNumber) != 0) {
      return {scan.run_at_most(after, flag::kNumber, kDigits - 1), true};
    }
    constexpr std::uint8_t kNotOther = flag::kSpace | flag::kNumber | flag::kLetter;
    if ((c.flags & flag::kSpace) != 0) {
      const bool other_follows =
          text[pos] == ' ' && after < text.size() && (scan.at(after).flags & kNotOther) == 0;
      if (!other_follows) return {scan.white_space(pos, true), true};
    }
    return {scan.newlines(scan.run_without(after, kNotOther), true), true};
  }

 private:
  // The four ways of the first two alternatives, in the order in which a regex engine tries them;
  // 0 when none matches.
  static std::size_t word(const Scan& scan, std::size_t pos, Scan::Char c) {
    const bool prefix = (c.flags & (flag::kNewline | flag::kLetter | flag::kNumber)) == 0;
    const std::size_t after = pos + c.length;
    if (prefix) {
      if (const std::size_t end = upper_then_lower(scan, after); end != 0) return end;
    }
    if (const std::size_t end = upper_then_lower(scan, pos); end != 0) return end;
    if (prefix) {
      if (const std::size_t end = scan.run(after, flag::kUpper); end != after) return end;
    }
    const std::size_t end = scan.run(pos, flag::kUpper);
    return end != pos ? end : 0;
  }

  // U*W+: when nothing in W follows the run of U, the engine gives back characters until the last
  // one that is in both.
  static std::size_t upper_then_lower(const Scan& scan, std::size_t begin) {
    std::size_t pos = begin, after_both = 0;
    while (pos < scan.size()) {
      const Scan::Char c = scan.at(pos);
      if ((c.flags & flag::kUpper) == 0) {
        if ((c.flags & flag::kLower) == 0) break;
        return scan.run(pos + c.length, flag::kLower);
      }
      pos += c.length;
      if ((c.flags & flag::kLower) != 0) after_both = pos;
    }
    return after_both;
  }
};

}  // namespace nacelle::tokenizer
