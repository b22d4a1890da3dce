// pattern.h: what Split, Replace and their kin look for: a literal string or a regular expression.
//
// Home:  any thread; immutable.
#pragma once

#include <cstddef>
#include <memory>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "tokenizer/json/json_node.h"
#include "tokenizer/pattern/word_scanner.h"

namespace nacelle::tokenizer {

struct Span {
  std::size_t begin, end;
  bool matched;
};

class Pattern {
 public:
  virtual ~Pattern() = default;

  // Appends matches and the gaps between them, in order; together they cover `text` (valid UTF-8).
  virtual void find_all(std::string_view text, std::vector<Span>& out) const = 0;

  // The scanner behind this pattern, or null.
  [[nodiscard]] virtual const WordScanner* scanner() const { return nullptr; }
};

// {"String": "..."} or {"Regex": "..."}. A regex that is known gets its scanner, any other PCRE2.
[[nodiscard]] Result<std::unique_ptr<Pattern>> make_pattern(const JsonNode& node);

[[nodiscard]] Result<std::unique_ptr<Pattern>> make_regex_pattern(std::string_view regex);

}  // namespace nacelle::tokenizer
