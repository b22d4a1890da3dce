// char_class.h: which classes of Unicode a character belongs to.
//
// The sets are those of the reference implementation, not of one Unicode version: see
// tools/goldens/tokenizer_unicode.py, which measures them and writes unicode_tables.inc.
//
// Home:  any thread; the tables are built once, on first use (about 4 ms).
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <vector>

namespace nacelle::tokenizer {

enum class Category : std::uint8_t {
  kLu,
  kLl,
  kLt,
  kLm,
  kLo,
  kMn,
  kMc,
  kMe,
  kNd,
  kNl,
  kNo,
  kPc,
  kPd,
  kPs,
  kPe,
  kPi,
  kPf,
  kPo,
  kSm,
  kSc,
  kSk,
  kSo,
  kZs,
  kZl,
  kZp,
  kCc,
  kCf,
  kCs,
  kCo,
  kCn,
};
inline constexpr int kNumCategories = 30;

struct CodePointRange {
  char32_t first, last;
};

// What the word scanners ask about a character, as bits of one byte.
namespace flag {
inline constexpr std::uint8_t kLetter = 1;    // \p{L}
inline constexpr std::uint8_t kNumber = 2;    // \p{N}
inline constexpr std::uint8_t kSpace = 4;     // \s: the White_Space property
inline constexpr std::uint8_t kNewline = 8;   // \r or \n
inline constexpr std::uint8_t kUpper = 16;    // [\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]
inline constexpr std::uint8_t kLower = 32;    // [\p{Ll}\p{Lm}\p{Lo}\p{M}]
inline constexpr std::uint8_t kMark = 64;     // \p{M}
inline constexpr std::uint8_t kSymbol = 128;  // [\p{P}\p{S}]
}  // namespace flag

// Two-stage table: 256 characters a block, equal blocks are stored once. Block 0 is Latin-1.
class CharTable {
 public:
  [[nodiscard]] std::uint8_t operator[](char32_t c) const {
    return values_[std::size_t{blocks_[c >> 8]} << 8 | (c & 0xFF)];
  }
  [[nodiscard]] const std::uint8_t* latin1() const { return values_.data(); }

 private:
  friend struct CharTables;
  std::array<std::uint16_t, 0x1100> blocks_{};
  std::vector<std::uint8_t> values_;
};

// Flags of every character; keep the reference in hot loops.
[[nodiscard]] const CharTable& char_flags();

[[nodiscard]] Category category(char32_t c);

[[nodiscard]] inline bool is_white_space(char32_t c) {
  return (char_flags()[c] & flag::kSpace) != 0;
}
[[nodiscard]] bool is_word(char32_t c);            // \w of the Rust regex crate
[[nodiscard]] bool is_numeric(char32_t c);         // any number
[[nodiscard]] bool is_punctuation(char32_t c);     // ASCII punctuation and \p{P}
[[nodiscard]] bool is_bert_control(char32_t c);    // dropped by BERT's clean_text
[[nodiscard]] bool is_bert_accent(char32_t c);     // dropped by BERT's strip_accents
[[nodiscard]] bool is_combining_mark(char32_t c);  // dropped by StripAccents
[[nodiscard]] bool is_cjk_ideograph(char32_t c);   // the ranges that BERT puts spaces around

// Joins the grapheme cluster of the character before it, unless that is a control character.
[[nodiscard]] bool is_cluster_tail(char32_t c);

// True for characters that are newer than the normal forms of the reference implementation.
[[nodiscard]] bool is_unknown_to_normal_forms(char32_t c);

// One-character lower case; U+0130 gives itself (its lower case is two characters).
[[nodiscard]] char32_t to_lower(char32_t c);

// All characters of the categories in `mask` (bit i = category i), as sorted ranges.
[[nodiscard]] std::vector<CodePointRange> ranges_of(std::uint32_t mask);

}  // namespace nacelle::tokenizer
