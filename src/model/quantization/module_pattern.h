// module_pattern.h: the names and `re:` patterns by which a quantization_config lists modules.
//
// A pattern is a Python regular expression that has to match from the name's first character on
// (re.match). The part of the language that such files use is here: literals, ".", classes, groups,
// "|", "*", "+", "?", "{m,n}", "^", "$" and the escapes \d \w \s. All states advance together over
// the name, so the time is (length of the pattern) x (length of the name) whatever the file says.
//
// Home:    immutable after parse(); any thread.
// Errors:  invalid_argument for text that is no expression, unimplemented for lookaround,
//          backreferences and patterns beyond kMaxPatternBytes; both name the place.
// Source:  Thompson (1968), "Regular expression search algorithm"; the semantics of Python's `re`.
#pragma once

#include <bitset>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace nacelle::model {

inline constexpr std::size_t kMaxPatternBytes = 1024;

class ModulePattern {
 public:
  [[nodiscard]] static Result<ModulePattern> parse(std::string_view pattern);

  // Whether a beginning of `name` matches.
  [[nodiscard]] bool matches(std::string_view name) const;

 private:
  friend class PatternParser;

  enum class Op : std::uint8_t { kSet, kSplit, kJump, kBegin, kEnd, kAccept };
  struct Instruction {
    Op op = Op::kAccept;
    std::uint32_t to = 0;     // kJump, kSplit: next; kSet: index of the set
    std::uint32_t other = 0;  // kSplit
  };

  std::vector<Instruction> program_;
  std::vector<std::bitset<256>> sets_;
};

}  // namespace nacelle::model
