// member_capture.h: picks the values of a few top-level members out of a JSON object that arrives
// in pieces.
//
// Nothing but the wanted values is kept, so an answer of any size costs the bound of what is
// captured. A member that is nested deeper, also one of the same name inside a tool call's input,
// is never taken for it.
//
// Home:    one connection's loop. Not thread-safe.
// Bounds:  a value larger than `max_value_bytes` is given up; keys longer than 64 bytes never
//          match.
#pragma once

#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>
#include <vector>

namespace nacelle::provider::json {

class MemberCapture {
 public:
  // `names` have static storage.
  explicit MemberCapture(std::initializer_list<std::string_view> names,
                         std::size_t max_value_bytes = std::size_t{64} << 10);

  void feed(std::string_view bytes);
  void reset();

  // The raw value of the i-th name; "" until it has come whole.
  [[nodiscard]] std::string_view value(std::size_t i) const {
    return slots_[i].whole ? std::string_view(slots_[i].text) : std::string_view();
  }

 private:
  struct Slot {
    std::string_view name;
    std::string text;
    bool whole = false;
  };

  const char* scan_string(const char* at, const char* end);
  const char* scan_outside(const char* at, const char* end);
  void begin_value();
  void end_value();
  void keep(std::string_view bytes);

  std::size_t max_value_bytes_;
  std::vector<Slot> slots_;
  std::string key_;
  Slot* open_ = nullptr;  // the slot whose value is being read
  std::size_t depth_ = 0;
  bool in_string_ = false;
  bool escaped_ = false;     // the last byte was a backslash inside a string
  bool expect_key_ = false;  // at depth 1, before a colon
};

}  // namespace nacelle::provider::json
