#include "control/core/pod/time_text.h"

#include <fmt/format.h>

namespace nacelle::control::pod {
namespace {

using std::chrono::nanoseconds;

struct Parts {
  std::string date_and_time;
  std::int64_t nanos;
};

Parts parts_of(WallTime time) {
  const auto day = std::chrono::floor<std::chrono::days>(time);
  const std::chrono::year_month_day date(day);
  const std::chrono::hh_mm_ss clock(std::chrono::floor<nanoseconds>(time - day));
  return {fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}", static_cast<int>(date.year()),
                      static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()),
                      clock.hours().count(), clock.minutes().count(), clock.seconds().count()),
          clock.subseconds().count()};
}

// The next `count` digits as a number; negative when there are none.
int digits(std::string_view& text, std::size_t count) {
  int value = 0;
  if (text.size() < count) return -1;
  for (std::size_t i = 0; i < count; ++i) {
    if (text[i] < '0' || text[i] > '9') return -1;
    value = value * 10 + (text[i] - '0');
  }
  text.remove_prefix(count);
  return value;
}

bool skip(std::string_view& text, char wanted) {
  if (text.empty() || text.front() != wanted) return false;
  text.remove_prefix(1);
  return true;
}

std::optional<nanoseconds> fraction(std::string_view& text) {
  if (!skip(text, '.')) return nanoseconds(0);
  std::int64_t nanos = 0;
  std::int64_t unit = 100'000'000;
  bool any = false;
  while (!text.empty() && text.front() >= '0' && text.front() <= '9') {
    nanos += unit * (text.front() - '0');
    unit /= 10;
    any = true;
    text.remove_prefix(1);
  }
  if (!any) return std::nullopt;
  return nanoseconds(nanos);
}

std::optional<std::chrono::minutes> zone(std::string_view text) {
  if (text == "Z" || text == "z") return std::chrono::minutes(0);
  const bool minus = text.starts_with('-');
  if (!minus && !text.starts_with('+')) return std::nullopt;
  text.remove_prefix(1);
  const int hours = digits(text, 2);
  if (hours < 0 || hours > 23 || !skip(text, ':')) return std::nullopt;
  const int minutes = digits(text, 2);
  if (minutes < 0 || minutes > 59 || !text.empty()) return std::nullopt;
  const std::chrono::minutes offset(hours * 60 + minutes);
  return minus ? -offset : offset;
}

}  // namespace

std::string to_rfc3339(WallTime time) { return parts_of(time).date_and_time + "Z"; }

std::string to_rfc3339_nano(WallTime time) {
  const Parts parts = parts_of(time);
  return fmt::format("{}.{:09}Z", parts.date_and_time, parts.nanos);
}

std::optional<WallTime> parse_rfc3339(std::string_view text) {
  const int year = digits(text, 4);
  if (year < 1970 || year > 2200 || !skip(text, '-')) return std::nullopt;
  const int month = digits(text, 2);
  if (month < 0 || !skip(text, '-')) return std::nullopt;
  const int day = digits(text, 2);
  const std::chrono::year_month_day date{std::chrono::year(year),
                                         std::chrono::month(static_cast<unsigned>(month)),
                                         std::chrono::day(static_cast<unsigned>(std::max(day, 0)))};
  if (!date.ok() || (!skip(text, 'T') && !skip(text, 't'))) return std::nullopt;
  const int hour = digits(text, 2);
  if (hour < 0 || hour > 23 || !skip(text, ':')) return std::nullopt;
  const int minute = digits(text, 2);
  if (minute < 0 || minute > 59 || !skip(text, ':')) return std::nullopt;
  const int second = digits(text, 2);
  if (second < 0 || second > 60) return std::nullopt;
  const std::optional<nanoseconds> nanos = fraction(text);
  const std::optional<std::chrono::minutes> offset = zone(text);
  if (!nanos || !offset) return std::nullopt;
  return std::chrono::time_point_cast<WallTime::duration>(
      std::chrono::sys_days(date) + std::chrono::hours(hour) + std::chrono::minutes(minute) +
      std::chrono::seconds(second) + *nanos - *offset);
}

}  // namespace nacelle::control::pod
