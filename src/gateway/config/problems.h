// problems.h: everything that is wrong with a configuration, so that one look mends all of it.
//
// Home:    one thread.
// Bounds:  kMax problems are kept; the rest is counted.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"

namespace nacelle::gateway {

class Problems {
 public:
  static constexpr std::size_t kMax = 100;

  // `where` is "file: Kind namespace/name: path.to.field"; "" when `what` says it.
  void add(std::string_view where, std::string_view what);
  [[nodiscard]] bool empty() const { return count_ == 0; }
  [[nodiscard]] std::size_t count() const { return count_; }
  // ok, or invalid_argument with one problem per line.
  [[nodiscard]] Status status() const;

 private:
  std::vector<std::string> lines_;
  std::size_t count_ = 0;
};

}  // namespace nacelle::gateway
