#include "kube/time.h"

#include <fmt/format.h>

namespace nacelle::kube {
namespace {

namespace chrono = std::chrono;

// `count` digits from `at` on; -1 when there are others.
int digits(std::string_view text, std::size_t at, std::size_t count) {
  if (at + count > text.size()) return -1;
  int value = 0;
  for (const char c : text.substr(at, count)) {
    if (c < '0' || c > '9') return -1;
    value = value * 10 + (c - '0');
  }
  return value;
}

// "Z" or "+01:30", in minutes.
std::optional<int> offset_of(std::string_view text) {
  if (text == "Z" || text == "z") return 0;
  if (text.size() != 6 || (text[0] != '+' && text[0] != '-') || text[3] != ':') return std::nullopt;
  const int hours = digits(text, 1, 2), minutes = digits(text, 4, 2);
  if (hours < 0 || hours > 23 || minutes < 0 || minutes > 59) return std::nullopt;
  return (text[0] == '-' ? -1 : 1) * (hours * 60 + minutes);
}

std::string text_of(WallTime time, bool micros) {
  const auto day = chrono::floor<chrono::days>(time);
  const chrono::year_month_day date{day};
  const chrono::hh_mm_ss clock{time - day};
  std::string out =
      fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}", static_cast<int>(date.year()),
                  static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()),
                  clock.hours().count(), clock.minutes().count(), clock.seconds().count());
  if (micros) out += fmt::format(".{:06}", clock.subseconds().count());
  return out + "Z";
}

}  // namespace

std::optional<WallTime> parse_time(std::string_view text) {
  if (text.size() < 20 || text[4] != '-' || text[7] != '-' ||
      (text[10] != 'T' && text[10] != 't') || text[13] != ':' || text[16] != ':') {
    return std::nullopt;
  }
  const int year = digits(text, 0, 4), month = digits(text, 5, 2), day = digits(text, 8, 2);
  const int hour = digits(text, 11, 2), minute = digits(text, 14, 2), second = digits(text, 17, 2);
  if (year < 0 || month < 0 || day < 0 || hour < 0 || hour > 23 || minute < 0 || minute > 59 ||
      second < 0 || second > 60) {
    return std::nullopt;
  }
  const chrono::year_month_day date{chrono::year(year), chrono::month(static_cast<unsigned>(month)),
                                    chrono::day(static_cast<unsigned>(day))};
  if (!date.ok()) return std::nullopt;
  std::size_t at = 19;
  int micros = 0;
  if (text[at] == '.') {
    const std::size_t begin = ++at;
    while (at < text.size() && text[at] >= '0' && text[at] <= '9') {
      if (at - begin < 6) micros = micros * 10 + (text[at] - '0');
      ++at;
    }
    if (at == begin) return std::nullopt;
    for (std::size_t known = at - begin; known < 6; ++known) micros *= 10;
  }
  const auto offset = offset_of(text.substr(at));
  if (!offset) return std::nullopt;
  return WallTime(chrono::sys_days(date).time_since_epoch() + chrono::hours(hour) +
                  chrono::minutes(minute - *offset) + chrono::seconds(second) +
                  chrono::microseconds(micros));
}

std::string to_time(WallTime time) { return text_of(time, false); }
std::string to_micro_time(WallTime time) { return text_of(time, true); }

std::string timestamp(std::int64_t seconds) { return to_time(WallTime(chrono::seconds(seconds))); }

std::optional<std::int64_t> parse_timestamp(std::string_view text) {
  const auto time = parse_time(text);
  if (!time) return std::nullopt;
  return chrono::floor<chrono::seconds>(*time).time_since_epoch().count();
}

}  // namespace nacelle::kube
