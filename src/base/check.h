// check.h: CHECK ends the process when only a bug of ours can have made `condition` false.
//
// Anything a client, peer, file, clock or full resource can cause is a Status instead.
#pragma once

#include <string_view>

namespace nacelle {

[[noreturn]] void check_failed(const char* file, int line, std::string_view condition);

}  // namespace nacelle

#define CHECK(condition)                                       \
  do {                                                         \
    if (!(condition)) [[unlikely]]                             \
      ::nacelle::check_failed(__FILE__, __LINE__, #condition); \
  } while (false)
