#include "kube/schema/timestamp.h"

#include <chrono>
#include <cstdio>

#include <fmt/format.h>

namespace nacelle::kube::schema {
namespace {

using std::chrono::sys_days;

// Reads exactly `digits` digits.
std::optional<int> number(std::string_view& text, int digits) {
  int out = 0;
  for (int i = 0; i < digits; ++i) {
    if (text.empty() || text[0] < '0' || text[0] > '9') return std::nullopt;
    out = out * 10 + (text[0] - '0');
    text.remove_prefix(1);
  }
  return out;
}

bool skip(std::string_view& text, char c) {
  if (text.empty() || text[0] != c) return false;
  text.remove_prefix(1);
  return true;
}

}  // namespace

std::string timestamp(std::int64_t seconds) {
  const std::chrono::sys_seconds at{std::chrono::seconds(seconds)};
  const sys_days day = std::chrono::floor<std::chrono::days>(at);
  const std::chrono::year_month_day date(day);
  const std::chrono::hh_mm_ss time(at - day);
  return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}Z", static_cast<int>(date.year()),
                     static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()),
                     time.hours().count(), time.minutes().count(), time.seconds().count());
}

std::optional<std::int64_t> parse_timestamp(std::string_view text) {
  const auto year = number(text, 4);
  if (!year || !skip(text, '-')) return std::nullopt;
  const auto month = number(text, 2);
  if (!month || !skip(text, '-')) return std::nullopt;
  const auto day = number(text, 2);
  if (!day || !(skip(text, 'T') || skip(text, 't'))) return std::nullopt;
  const auto hour = number(text, 2);
  if (!hour || !skip(text, ':')) return std::nullopt;
  const auto minute = number(text, 2);
  if (!minute || !skip(text, ':')) return std::nullopt;
  const auto second = number(text, 2);
  if (!second) return std::nullopt;
  if (skip(text, '.')) {
    if (!number(text, 1)) return std::nullopt;
    while (!text.empty() && text[0] >= '0' && text[0] <= '9') text.remove_prefix(1);
  }
  std::int64_t offset = 0;
  if (!skip(text, 'Z') && !skip(text, 'z')) {
    const bool west = skip(text, '-');
    if (!west && !skip(text, '+')) return std::nullopt;
    const auto hours = number(text, 2);
    if (!hours || !skip(text, ':')) return std::nullopt;
    const auto minutes = number(text, 2);
    if (!minutes) return std::nullopt;
    offset = (west ? -1 : 1) * (*hours * 3600 + *minutes * 60);
  }
  const std::chrono::year_month_day date{std::chrono::year(*year),
                                         std::chrono::month(static_cast<unsigned>(*month)),
                                         std::chrono::day(static_cast<unsigned>(*day))};
  if (!text.empty() || !date.ok() || *hour > 23 || *minute > 59 || *second > 60) {
    return std::nullopt;
  }
  const auto days = sys_days(date).time_since_epoch().count();
  return std::int64_t{days} * 86400 + *hour * 3600 + *minute * 60 + *second - offset;
}

}  // namespace nacelle::kube::schema
