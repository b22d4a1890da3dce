// gpt2_scanner.h: 's|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+
#pragma once

#include "tokenizer/pattern/scanner/scan.h"
#include "tokenizer/pattern/word_scanner.h"

namespace nacelle::tokenizer {

class Gpt2Scanner final : public WordScanner {
 public:
  [[nodiscard]] WordEnd next(std::string_view text, std::size_t pos) const override {
    const Scan scan(text);
    if (text[pos] == '\'') {
      if (const std::size_t end = scan.contraction(pos, false); end != pos) return {end, true};
    }
    std::size_t begin = pos;
    Scan::Char c = scan.at(begin);
    if (text[pos] == ' ' && pos + 1 < text.size()) {
      const Scan::Char after = scan.at(pos + 1);
      if ((after.flags & flag::kSpace) == 0) {
        c = after;
        ++begin;
      }
    }
    if ((c.flags & flag::kLetter) != 0) return {scan.run(begin + c.length, flag::kLetter), true};
    if ((c.flags & flag::kNumber) != 0) return {scan.run(begin + c.length, flag::kNumber), true};
    if ((c.flags & flag::kSpace) != 0) return {scan.white_space(pos, false), true};
    return {scan.run_without(begin, flag::kSpace | flag::kLetter | flag::kNumber), true};
  }
};

}  // namespace nacelle::tokenizer
