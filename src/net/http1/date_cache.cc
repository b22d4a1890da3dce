#include <cstdio>

#include "net/http1/server_context.h"

namespace nacelle::net::http1 {

std::string_view DateCache::now() {
  timespec now{};
  ::clock_gettime(CLOCK_REALTIME_COARSE, &now);
  if (now.tv_sec != second_) {
    second_ = now.tv_sec;
    std::tm tm{};
    ::gmtime_r(&second_, &tm);
    // strftime would use the process's locale.
    static constexpr const char* kDays[] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
    static constexpr const char* kMonths[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                              "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
    std::snprintf(text_, sizeof(text_), "%s, %02d %s %04d %02d:%02d:%02d GMT", kDays[tm.tm_wday],
                  tm.tm_mday, kMonths[tm.tm_mon], (tm.tm_year + 1900) % 10000, tm.tm_hour,
                  tm.tm_min, tm.tm_sec);
  }
  return {text_, 29};
}

}  // namespace nacelle::net::http1
