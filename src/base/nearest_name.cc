#include "base/nearest_name.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cctype>
#include <vector>

namespace nacelle {
namespace {

// Twice the edit distance; a change of case costs half an edit.
std::size_t distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> row(b.size() + 1);
  for (std::size_t j = 0; j <= b.size(); ++j) row[j] = 2 * j;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    std::size_t diagonal = row[0];
    row[0] = 2 * i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const auto x = static_cast<unsigned char>(a[i - 1]);
      const auto y = static_cast<unsigned char>(b[j - 1]);
      const std::size_t change = x == y ? 0 : std::tolower(x) == std::tolower(y) ? 1 : 2;
      const std::size_t best = std::min({diagonal + change, row[j] + 2, row[j - 1] + 2});
      diagonal = row[j];
      row[j] = best;
    }
  }
  return row[b.size()];
}

}  // namespace

std::string_view nearest_name(std::string_view name, std::span<const std::string_view> known) {
  constexpr std::size_t kLongest = 100;  // longer names are no typing slips
  if (name.size() > kLongest) return {};
  std::string_view best;
  std::size_t best_distance = SIZE_MAX;
  for (const std::string_view candidate : known) {
    const std::size_t d = distance(name, candidate);
    if (d < best_distance) {
      best = candidate;
      best_distance = d;
    }
  }
  return best_distance * 3 <= best.size() * 2 + 2 ? best : std::string_view();
}

std::string did_you_mean(std::string_view name, std::span<const std::string_view> known) {
  const std::string_view near = nearest_name(name, known);
  return near.empty() ? std::string() : fmt::format(" (did you mean '{}'?)", near);
}

std::string unknown_name(std::string_view what, std::string_view name,
                         std::span<const std::string_view> known) {
  constexpr std::size_t kShortList = 12;
  const std::string_view near = nearest_name(name, known);
  std::string out = fmt::format("unknown {} '{}'", what, name.substr(0, 100));
  if (!near.empty()) {
    out += fmt::format("; did you mean '{}'?", near);
  } else if (known.empty()) {
    out += "; there are none";
  } else if (known.size() <= kShortList) {
    out += fmt::format("; there are {}", fmt::join(known, ", "));
  }
  return out;
}

}  // namespace nacelle
