#include "control/core/timestamp.h"

#include <fmt/format.h>

#include <charconv>
#include <chrono>

namespace nacelle::control {

std::optional<std::int64_t> seconds_of(std::string_view text) {
  if (text.size() < 20 || text.back() != 'Z') return std::nullopt;
  int parts[6] = {};
  constexpr std::size_t kFrom[6] = {0, 5, 8, 11, 14, 17};
  constexpr std::string_view kMarks = "--T::";
  for (int i = 0; i < 6; ++i) {
    const std::string_view digits = text.substr(kFrom[i], i == 0 ? 4 : 2);
    const auto [end, error] =
        std::from_chars(digits.data(), digits.data() + digits.size(), parts[i]);
    if (error != std::errc{} || end != digits.data() + digits.size()) return std::nullopt;
    const auto mark = static_cast<std::size_t>(i);
    if (mark < kMarks.size() && text[kFrom[i] + digits.size()] != kMarks[mark]) {
      return std::nullopt;
    }
  }
  const std::chrono::year_month_day day{std::chrono::year(parts[0]),
                                        std::chrono::month(static_cast<unsigned>(parts[1])),
                                        std::chrono::day(static_cast<unsigned>(parts[2]))};
  if (!day.ok() || parts[3] > 23 || parts[4] > 59 || parts[5] > 60) return std::nullopt;
  const std::int64_t days = std::chrono::sys_days(day).time_since_epoch().count();
  return ((days * 24 + parts[3]) * 60 + parts[4]) * 60 + parts[5];
}

std::string timestamp_of(std::int64_t seconds) {
  const std::chrono::sys_seconds time{std::chrono::seconds(seconds)};
  const auto midnight = std::chrono::floor<std::chrono::days>(time);
  const std::chrono::year_month_day day{midnight};
  const std::int64_t rest = (time - midnight).count();
  return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}Z", static_cast<int>(day.year()),
                     static_cast<unsigned>(day.month()), static_cast<unsigned>(day.day()),
                     rest / 3600, rest / 60 % 60, rest % 60);
}

}  // namespace nacelle::control
