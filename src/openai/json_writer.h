// json_writer.h: writes compact JSON straight into a string, with no tree in between.
//
// Strings are escaped as Python's json does with ensure_ascii=False: quote, backslash, the short
// escapes and \u00xx for other control characters; everything else as it is, so text must be valid
// UTF-8. Floats are the shortest digits that read back to the same value, laid out as Python's repr
// does.
//
// Home:    the caller's stack. Commas are placed by the writer; balance is the caller's business.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace nacelle::openai {

class JsonWriter {
 public:
  explicit JsonWriter(std::string& out) : out_(out) {}

  JsonWriter& begin_object() { return open('{'); }
  JsonWriter& end_object() { return close('}'); }
  JsonWriter& begin_array() { return open('['); }
  JsonWriter& end_array() { return close(']'); }

  // The next call writes its value. Keys are escaped as strings are.
  JsonWriter& key(std::string_view name);

  JsonWriter& string(std::string_view text);
  JsonWriter& integer(std::int64_t value);
  JsonWriter& boolean(bool value) { return raw(value ? "true" : "false"); }
  JsonWriter& null() { return raw("null"); }
  // NaN and infinities have no JSON form and become null.
  JsonWriter& number(double value);
  JsonWriter& number(float value);
  // A natural logarithm of a probability: never below -9999.0, which also stands for -inf and NaN.
  JsonWriter& logprob(float value);
  // `json` is a complete JSON value.
  JsonWriter& raw(std::string_view json);

 private:
  JsonWriter& open(char bracket);
  JsonWriter& close(char bracket);
  void separate() {
    if (need_comma_) out_ += ',';
    need_comma_ = true;
  }

  std::string& out_;
  bool need_comma_ = false;
};

// Appends `text` as a JSON string, quotes included.
void append_json_string(std::string& out, std::string_view text);

// The value as Python prints it: "0.7", "1.0", "1e-05". NaN and infinities: "nan", "inf", "-inf".
[[nodiscard]] std::string python_float(double value);

}  // namespace nacelle::openai
