// class_run_scanner.h: CLASS{1,n} and CLASS+, the digit and script groups of DeepSeek and others.
#pragma once

#include "tokenizer/pattern/scanner/scan.h"
#include "tokenizer/pattern/word_scanner.h"

namespace nacelle::tokenizer {

// \p{N}{1,kDigits}
template <int kDigits>
class DigitGroupScanner final : public WordScanner {
 public:
  [[nodiscard]] WordEnd next(std::string_view text, std::size_t pos) const override {
    const Scan scan(text);
    const std::size_t digits = scan.run_at_most(pos, flag::kNumber, kDigits);
    if (digits != pos) return {digits, true};
    return {scan.run_without(pos, flag::kNumber), false};
  }
};

// [一-龥぀-ゟ゠-ヿ]+, the ideographs and kana of DeepSeek's second Split.
class IdeographScanner final : public WordScanner {
 public:
  [[nodiscard]] WordEnd next(std::string_view text, std::size_t pos) const override {
    const bool matched = member(text, pos);
    while (pos < text.size() && member(text, pos) == matched) pos += utf8_lead_length(text[pos]);
    return {pos, matched};
  }

 private:
  static bool member(std::string_view text, std::size_t pos) {
    if ((text[pos] & 0x80) == 0) return false;
    const char32_t c = decode_valid(text.data() + pos).code_point;
    return (c >= 0x4E00 && c <= 0x9FA5) || (c >= 0x3040 && c <= 0x30FF);
  }
};

}  // namespace nacelle::tokenizer
