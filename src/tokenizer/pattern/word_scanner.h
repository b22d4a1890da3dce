// word_scanner.h: a hand-written equivalent of one well-known splitting regex.
//
// Cuts text into consecutive pieces, each either a match of the regex or a gap between matches.
// Linear: a piece is looked at a bounded number of times.
//
// Home:  any thread; immutable.
#pragma once

#include <cstddef>
#include <string_view>

namespace nacelle::tokenizer {

struct WordEnd {
  std::size_t end;  // > the start
  bool matched;     // false: the regex matches nothing in this piece
};

class WordScanner {
 public:
  virtual ~WordScanner() = default;

  // The piece that starts at `pos`; `pos` < text.size(), on a piece border of valid UTF-8.
  [[nodiscard]] virtual WordEnd next(std::string_view text, std::size_t pos) const = 0;
};

// The scanner that equals `regex`, or null when the regex is not one of the known ones.
// Known: GPT-2, cl100k / Llama 3 / Qwen 2 and variants, o200k, Mistral tekken, DeepSeek, digit
// groups.
[[nodiscard]] const WordScanner* find_known_scanner(std::string_view regex);

// The regex of the ByteLevel pre-tokenizer.
inline constexpr std::string_view kGpt2Regex =
    R"('s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+)";

}  // namespace nacelle::tokenizer
