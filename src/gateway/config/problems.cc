#include "gateway/config/problems.h"

#include <utility>

#include <fmt/format.h>
#include <fmt/ranges.h>

namespace nacelle::gateway {

void Problems::add(std::string_view where, std::string_view what) {
  ++count_;
  if (where.ends_with(":")) where.remove_suffix(1);
  if (lines_.size() < kMax) {
    lines_.push_back(where.empty() ? std::string(what) : fmt::format("{}: {}", where, what));
  }
}

Status Problems::status() const {
  if (empty()) return {};
  std::string text = fmt::format("{}", fmt::join(lines_, "\n"));
  if (count_ > lines_.size()) text += fmt::format("\nand {} more", count_ - lines_.size());
  return Status(Code::kInvalidArgument, std::move(text));
}

}  // namespace nacelle::gateway
