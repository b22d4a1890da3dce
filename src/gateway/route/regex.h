// regex.h: one compiled pattern that must match a whole value (a path, a header, a parameter).
//
// Home:    immutable; any thread.
// Errors:  invalid_argument names the place in the pattern; a pattern longer than kMaxPattern is
//          refused.
// Bounds:  matching gives up after kMatchLimit steps or kHeapKib of memory, and then counts as no
//          match: a pattern that backtracks without end costs its route, not the process.
#pragma once

#include <cstddef>
#include <memory>
#include <string_view>

#include "base/result.h"

namespace nacelle::gateway {

class Regex {
 public:
  static constexpr std::size_t kMaxPattern = 4096;
  static constexpr std::size_t kMaxSubject = std::size_t{64} << 10;  // longer: no match
  static constexpr unsigned kMatchLimit = 20'000;
  static constexpr unsigned kHeapKib = 512;

  [[nodiscard]] static Result<std::shared_ptr<const Regex>> compile(std::string_view pattern);
  ~Regex();
  Regex(const Regex&) = delete;
  Regex& operator=(const Regex&) = delete;

  [[nodiscard]] bool matches(std::string_view subject) const;

 private:
  explicit Regex(void* code) : code_(code) {}
  void* code_;  // pcre2_code
};

}  // namespace nacelle::gateway
