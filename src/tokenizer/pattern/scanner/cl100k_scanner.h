// cl100k_scanner.h: the regex of cl100k, Llama 3, Qwen 2 and their variants.
//
//   (?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?LETTER+|\p{N}{1,DIGITS}
//   | ?[^\sLETTER\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+
//
// LETTER is \p{L} or [\p{L}\p{M}]; DIGITS is 3 (cl100k, Llama 3) or 1 (Qwen).
#pragma once

#include "tokenizer/pattern/scanner/scan.h"
#include "tokenizer/pattern/word_scanner.h"

namespace nacelle::tokenizer {

template <std::uint8_t kWordMask, int kDigits>
class Cl100kScanner final : public WordScanner {
 public:
  [[nodiscard]] WordEnd next(std::string_view text, std::size_t pos) const override {
    const Scan scan(text);
    if (text[pos] == '\'') {
      if (const std::size_t end = scan.contraction(pos, true); end != pos) return {end, true};
    }
    const Scan::Char c = scan.at(pos);
    const std::size_t after = pos + c.length;
    if ((c.flags & kWordMask) != 0) return {scan.run(after, kWordMask), true};
    if ((c.flags & flag::kNumber) != 0) {
      return {scan.run_at_most(after, flag::kNumber, kDigits - 1), true};
    }
    const Scan::Char second = after < text.size() ? scan.at(after) : Scan::Char{flag::kSpace, 0};
    if ((second.flags & kWordMask) != 0 && (c.flags & flag::kNewline) == 0) {
      return {scan.run(after + second.length, kWordMask), true};
    }
    constexpr std::uint8_t kNotOther = flag::kSpace | flag::kNumber | kWordMask;
    if ((c.flags & flag::kSpace) != 0) {
      if (text[pos] != ' ' || (second.flags & kNotOther) != 0)
        return {scan.white_space(pos, true), true};
    }
    return {scan.newlines(scan.run_without(after, kNotOther)), true};
  }
};

}  // namespace nacelle::tokenizer
