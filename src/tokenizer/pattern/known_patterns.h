// known_patterns.h: the list behind find_known_scanner, for tests that walk it.
#pragma once

#include <span>

#include "tokenizer/pattern/word_scanner.h"

namespace nacelle::tokenizer {

struct KnownPattern {
  std::string_view name;
  std::string_view regex;
  const WordScanner* scanner;
};

[[nodiscard]] std::span<const KnownPattern> known_patterns();

}  // namespace nacelle::tokenizer
