#include "chat_template/format/strftime.h"

#include <fmt/format.h>

#include <ctime>

namespace nacelle::chat_template {
namespace {

constexpr const char* kDays[] = {"Sunday",   "Monday", "Tuesday", "Wednesday",
                                 "Thursday", "Friday", "Saturday"};
constexpr const char* kMonths[] = {"January",   "February", "March",    "April",
                                   "May",       "June",     "July",     "August",
                                   "September", "October",  "November", "December"};

struct Fields {
  int year, month, day, hour, minute, second, weekday, year_day;  // weekday 0 is Sunday
  long microseconds;
  LocalTime time;
};

Fields split_time(LocalTime time) {
  using namespace std::chrono;
  const auto date = floor<days>(time);
  const year_month_day ymd(date);
  const hh_mm_ss<microseconds> clock(time - date);
  const local_days new_year(ymd.year() / January / 1);
  return {static_cast<int>(ymd.year()),
          static_cast<int>(static_cast<unsigned>(ymd.month())),
          static_cast<int>(static_cast<unsigned>(ymd.day())),
          static_cast<int>(clock.hours().count()),
          static_cast<int>(clock.minutes().count()),
          static_cast<int>(clock.seconds().count()),
          static_cast<int>(weekday(date).c_encoding()),
          static_cast<int>((date - new_year).count()),
          static_cast<long>(clock.subseconds().count()),
          time};
}

// ISO 8601 week: week 1 has the first Thursday; its year may differ from the calendar's.
std::pair<int, int> iso_week(const Fields& f) {
  using namespace std::chrono;
  const int iso_weekday = f.weekday == 0 ? 7 : f.weekday;
  const local_days thursday = floor<days>(f.time) + days(4 - iso_weekday);
  const year_month_day ymd(thursday);
  const local_days new_year(ymd.year() / January / 1);
  return {static_cast<int>(ymd.year()), static_cast<int>((thursday - new_year).count()) / 7 + 1};
}

std::string directive(char c, const Fields& f) {
  const int hour12 = f.hour % 12 == 0 ? 12 : f.hour % 12;
  const std::string_view day(kDays[f.weekday]);
  const std::string_view month(kMonths[f.month - 1]);
  switch (c) {
    case 'a':
      return std::string(day.substr(0, 3));
    case 'A':
      return std::string(day);
    case 'b':
    case 'h':
      return std::string(month.substr(0, 3));
    case 'B':
      return std::string(month);
    case 'c':
      return fmt::format("{} {} {:2} {:02}:{:02}:{:02} {}", day.substr(0, 3), month.substr(0, 3),
                         f.day, f.hour, f.minute, f.second, f.year);
    case 'C':
      return fmt::format("{:02}", f.year / 100);
    case 'd':
      return fmt::format("{:02}", f.day);
    case 'D':
    case 'x':
      return fmt::format("{:02}/{:02}/{:02}", f.month, f.day, f.year % 100);
    case 'e':
      return fmt::format("{:2}", f.day);
    case 'f':
      return fmt::format("{:06}", f.microseconds);
    case 'F':
      return fmt::format("{:04}-{:02}-{:02}", f.year, f.month, f.day);
    case 'g':
      return fmt::format("{:02}", iso_week(f).first % 100);
    case 'G':
      return fmt::format("{:04}", iso_week(f).first);
    case 'H':
      return fmt::format("{:02}", f.hour);
    case 'I':
      return fmt::format("{:02}", hour12);
    case 'j':
      return fmt::format("{:03}", f.year_day + 1);
    case 'k':
      return fmt::format("{:2}", f.hour);
    case 'l':
      return fmt::format("{:2}", hour12);
    case 'm':
      return fmt::format("{:02}", f.month);
    case 'M':
      return fmt::format("{:02}", f.minute);
    case 'n':
      return "\n";
    case 'p':
      return f.hour < 12 ? "AM" : "PM";
    case 'P':
      return f.hour < 12 ? "am" : "pm";
    case 'r':
      return fmt::format("{:02}:{:02}:{:02} {}", hour12, f.minute, f.second,
                         f.hour < 12 ? "AM" : "PM");
    case 'R':
      return fmt::format("{:02}:{:02}", f.hour, f.minute);
    case 'S':
      return fmt::format("{:02}", f.second);
    case 't':
      return "\t";
    case 'T':
    case 'X':
      return fmt::format("{:02}:{:02}:{:02}", f.hour, f.minute, f.second);
    case 'u':
      return fmt::format("{}", f.weekday == 0 ? 7 : f.weekday);
    case 'U':
      return fmt::format("{:02}", (f.year_day + 7 - f.weekday) / 7);
    case 'V':
      return fmt::format("{:02}", iso_week(f).second);
    case 'w':
      return fmt::format("{}", f.weekday);
    case 'W':
      return fmt::format("{:02}", (f.year_day + 7 - (f.weekday + 6) % 7) / 7);
    case 'y':
      return fmt::format("{:02}", f.year % 100);
    case 'Y':
      return fmt::format("{}", f.year);
    case 'z':  // a time without a zone has no offset and no name
    case 'Z':
      return "";
    case '%':
      return "%";
    default:
      return std::string("%") + c;
  }
}

// `text` as the flags of the GNU C library want it: no padding, spaces, zeros, upper case.
std::string with_flag(char flag, std::string text) {
  if (flag == '^') {
    for (char& c : text) c = static_cast<char>(c >= 'a' && c <= 'z' ? c - 32 : c);
    return text;
  }
  const std::size_t zeros = std::min(text.find_first_not_of("0 "), text.size() - 1);
  if (flag == '-') return text.substr(zeros);
  for (std::size_t i = 0; i < zeros; ++i) text[i] = flag == '_' ? ' ' : '0';
  return text;
}

}  // namespace

LocalTime local_now() {
  using namespace std::chrono;
  const auto now = floor<microseconds>(system_clock::now());
  const std::time_t seconds = system_clock::to_time_t(now);
  std::tm parts{};
  localtime_r(&seconds, &parts);
  return LocalTime(now.time_since_epoch() + std::chrono::seconds(parts.tm_gmtoff));
}

std::string format_time(std::string_view format, LocalTime time) {
  const Fields fields = split_time(time);
  std::string out;
  for (std::size_t pos = 0; pos < format.size(); ++pos) {
    if (format[pos] != '%' || pos + 1 >= format.size()) {
      out += format[pos];
      continue;
    }
    char c = format[++pos];
    const bool is_flag = c == '-' || c == '_' || c == '0' || c == '^';
    if (!is_flag || pos + 1 >= format.size()) {
      out += directive(c, fields);
      continue;
    }
    const std::string text = directive(format[++pos], fields);
    out += text.empty() ? text : with_flag(c, text);
  }
  return out;
}

}  // namespace nacelle::chat_template
