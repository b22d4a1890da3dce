// http1_rows.h: requests that two parsers could read differently, and those that look like it; for
// the parser's own tests and for whoever forwards what it read.
//
// Home:    tests.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace nacelle::net::testing {

struct HeadRow {
  static constexpr int kAccepted = 0;
  const char* name;
  std::string text;
  int status;  // kAccepted or the refusal
};
[[nodiscard]] std::vector<HeadRow> head_rows();

// A body behind "Transfer-Encoding: chunked".
struct ChunkedRow {
  enum End : std::uint8_t { kDone, kMore, kError };
  const char* name;
  std::string text;
  End end;
  const char* data;  // decoded before the end
};
[[nodiscard]] std::vector<ChunkedRow> chunked_rows();

}  // namespace nacelle::net::testing
