// json_reflow.h: one JSON value, character by character, laid out again as Python's json.dumps
// does.
//
// White space outside strings is replaced by ", " and ": "; escapes that JSON does not need are
// undone, so non-ASCII text stays as it is. Numbers and literals keep their spelling and are given
// out once complete. What was given out is always the beginning of the final text: it can be
// streamed.
//
// Home:    one coroutine.
// Source:  engine.md section 18.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace nacelle::serve {

class JsonReflow {
 public:
  enum class Step {
    kTaken,       // the value goes on
    kComplete,    // `c` ended the value
    kEndsBefore,  // the value was complete before `c`, which belongs to what follows
    kMalformed,
  };

  // Appends to `out` what is decided by now.
  [[nodiscard]] Step feed(char c, std::string& out);

  [[nodiscard]] bool started() const { return expect_ != Expect::kValue || !open_.empty(); }

 private:
  enum class Expect { kValue, kValueOrEnd, kKey, kKeyOrEnd, kColon, kCommaOrEnd, kString, kScalar };

  Step feed_structure(char c, std::string& out);
  Step feed_string(char c, std::string& out);
  Step feed_escape(char c, std::string& out);
  Step feed_scalar(char c, std::string& out);
  Step begin_value(char c, std::string& out);
  Step close(char bracket, std::string& out);
  Step value_ended();
  void put_code_unit(std::uint32_t unit, std::string& out);

  Expect expect_ = Expect::kValue;
  std::vector<char> open_;  // '{' and '['
  bool string_is_key_ = false;
  std::string escape_;                // from the backslash on, while one is being read
  std::uint32_t high_surrogate_ = 0;  // waits for its other half
  std::string scalar_;
};

}  // namespace nacelle::serve
