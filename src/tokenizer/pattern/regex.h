// regex.h: any other regular expression, through PCRE2.
//
// Files are written for Oniguruma. translate_regex() rewrites what the two read differently, and
// what their versions of Unicode read differently, and refuses what PCRE2 cannot say.
//
// Home:   any thread; immutable.
// Bounds: a search that takes more than kMatchLimit steps of backtracking ends: the rest of the
//         text counts as one gap. A hostile pattern costs bounded time and never fails a request.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace nacelle::tokenizer {

struct Span;

inline constexpr std::uint32_t kMatchLimit = 20'000'000;

class Regex {
 public:
  // invalid_argument names the place of the mistake; unimplemented names the construct.
  [[nodiscard]] static Result<Regex> compile(std::string_view pattern);

  // As Pattern::find_all. An empty match right behind another match is skipped.
  void find_all(std::string_view text, std::vector<Span>& out) const;

 private:
  struct Compiled;
  explicit Regex(std::shared_ptr<const Compiled> compiled) : compiled_(std::move(compiled)) {}
  std::shared_ptr<const Compiled> compiled_;
};

}  // namespace nacelle::tokenizer
