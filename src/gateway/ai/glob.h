// glob.h: `*` for any run of characters, `?` for one; nothing else is special.
//
// Home:    pure; any thread. Cost: linear in text times stars, without backtracking over stars.
#pragma once

#include <string_view>

namespace nacelle::gateway::ai {

[[nodiscard]] inline bool matches_glob(std::string_view pattern, std::string_view text) {
  std::size_t p = 0;
  std::size_t t = 0;
  std::size_t star = std::string_view::npos;  // the last star seen
  std::size_t mark = 0;                       // where its run ends so far
  while (t < text.size()) {
    if (p < pattern.size() && pattern[p] == '*') {
      star = p++;
      mark = t;
    } else if (p < pattern.size() && (pattern[p] == '?' || pattern[p] == text[t])) {
      ++p;
      ++t;
    } else if (star != std::string_view::npos) {
      p = star + 1;
      t = ++mark;
    } else {
      return false;
    }
  }
  while (p < pattern.size() && pattern[p] == '*') ++p;
  return p == pattern.size();
}

}  // namespace nacelle::gateway::ai
