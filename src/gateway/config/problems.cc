#include "gateway/config/problems.h"

#include <algorithm>
#include <numeric>

#include <fmt/format.h>

namespace nacelle::gateway {
namespace {

std::size_t edits(std::string_view a, std::string_view b) {
  std::vector<std::size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), std::size_t{0});
  for (std::size_t i = 0; i < a.size(); ++i) {
    std::size_t diagonal = row[0];
    row[0] = i + 1;
    for (std::size_t j = 0; j < b.size(); ++j) {
      const std::size_t replace = diagonal + ((a[i] | 0x20) == (b[j] | 0x20) ? 0 : 1);
      diagonal = row[j + 1];
      row[j + 1] = std::min({replace, row[j] + 1, diagonal + 1});
    }
  }
  return row[b.size()];
}

}  // namespace

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

std::string_view nearest_name(std::string_view name, std::span<const std::string_view> candidates) {
  std::string_view best;
  std::size_t fewest = std::max<std::size_t>(2, name.size() / 3) + 1;
  if (name.size() > 128) return best;
  for (const std::string_view candidate : candidates) {
    if (candidate.size() > 128) continue;
    if (const std::size_t count = edits(name, candidate); count < fewest) {
      fewest = count;
      best = candidate;
    }
  }
  return best;
}

std::string did_you_mean(std::string_view name, std::span<const std::string_view> candidates) {
  const std::string_view near = nearest_name(name, candidates);
  return near.empty() ? std::string() : fmt::format(" (did you mean '{}'?)", near);
}

}  // namespace nacelle::gateway
