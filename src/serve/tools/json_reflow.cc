#include "serve/tools/json_reflow.h"

#include <charconv>
#include <nlohmann/json.hpp>
#include <string_view>

#include "base/utf8.h"
#include "openai/limits.h"

namespace nacelle::serve {
namespace {

bool is_space(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }

bool ends_scalar(char c) { return is_space(c) || c == ',' || c == '}' || c == ']' || c == '<'; }

// How json.dumps writes one character inside a string.
void put_character(char32_t c, std::string& out) {
  switch (c) {
    case U'"':
      out += "\\\"";
      return;
    case U'\\':
      out += "\\\\";
      return;
    case U'\b':
      out += "\\b";
      return;
    case U'\f':
      out += "\\f";
      return;
    case U'\n':
      out += "\\n";
      return;
    case U'\r':
      out += "\\r";
      return;
    case U'\t':
      out += "\\t";
      return;
    default:
      break;
  }
  if (c < 0x20) {
    constexpr char kHex[] = "0123456789abcdef";
    out.append("\\u00").append(1, kHex[c >> 4]).append(1, kHex[c & 15]);
  } else {
    append_utf8(out, c);
  }
}

bool is_high(std::uint32_t unit) { return unit >= 0xD800 && unit < 0xDC00; }
bool is_low(std::uint32_t unit) { return unit >= 0xDC00 && unit < 0xE000; }

}  // namespace

JsonReflow::Step JsonReflow::feed(char c, std::string& out) {
  switch (expect_) {
    case Expect::kString:
      return feed_string(c, out);
    case Expect::kScalar:
      return feed_scalar(c, out);
    default:
      return is_space(c) ? Step::kTaken : feed_structure(c, out);
  }
}

JsonReflow::Step JsonReflow::feed_structure(char c, std::string& out) {
  switch (expect_) {
    case Expect::kValueOrEnd:
      if (c == ']') return close(c, out);
      return begin_value(c, out);
    case Expect::kValue:
      return begin_value(c, out);
    case Expect::kKeyOrEnd:
      if (c == '}') return close(c, out);
      [[fallthrough]];
    case Expect::kKey:
      if (c != '"') return Step::kMalformed;
      string_is_key_ = true;
      return begin_value(c, out);
    case Expect::kColon:
      if (c != ':') return Step::kMalformed;
      out += ": ";
      expect_ = Expect::kValue;
      return Step::kTaken;
    case Expect::kCommaOrEnd:
      if (c == '}' || c == ']') return close(c, out);
      if (c != ',') return Step::kMalformed;
      out += ", ";
      expect_ = open_.back() == '{' ? Expect::kKey : Expect::kValue;
      return Step::kTaken;
    default:
      return Step::kMalformed;
  }
}

JsonReflow::Step JsonReflow::begin_value(char c, std::string& out) {
  if (c == '{' || c == '[') {
    if (open_.size() == openai::kMaxJsonDepth) return Step::kMalformed;
    open_.push_back(c);
    out += c;
    expect_ = c == '{' ? Expect::kKeyOrEnd : Expect::kValueOrEnd;
    return Step::kTaken;
  }
  if (c == '"') {
    out += c;
    expect_ = Expect::kString;
    return Step::kTaken;
  }
  if (ends_scalar(c) || c == ':') return Step::kMalformed;
  scalar_.assign(1, c);
  expect_ = Expect::kScalar;
  return Step::kTaken;
}

JsonReflow::Step JsonReflow::close(char bracket, std::string& out) {
  if ((bracket == '}') != (open_.back() == '{')) return Step::kMalformed;
  open_.pop_back();
  out += bracket;
  return value_ended();
}

JsonReflow::Step JsonReflow::value_ended() {
  expect_ = Expect::kCommaOrEnd;
  return open_.empty() ? Step::kComplete : Step::kTaken;
}

JsonReflow::Step JsonReflow::feed_string(char c, std::string& out) {
  if (!escape_.empty()) return feed_escape(c, out);
  if (c == '\\') {
    escape_ = c;
    return Step::kTaken;
  }
  if (high_surrogate_ != 0) put_code_unit(0, out);
  if (c != '"') {
    // Bytes of multi-byte characters go through as they are; raw control characters are escaped.
    if (static_cast<unsigned char>(c) < 0x20) {
      put_character(static_cast<unsigned char>(c), out);
    } else {
      out += c;
    }
    return Step::kTaken;
  }
  out += c;
  if (!string_is_key_) return value_ended();
  string_is_key_ = false;
  expect_ = Expect::kColon;
  return Step::kTaken;
}

JsonReflow::Step JsonReflow::feed_escape(char c, std::string& out) {
  escape_ += c;
  if (escape_.size() == 2 && c != 'u') {
    constexpr std::string_view kNames = "\"\\/bfnrt";
    constexpr std::string_view kValues = "\"\\/\b\f\n\r\t";
    const std::size_t which = kNames.find(c);
    if (which == std::string_view::npos) return Step::kMalformed;
    if (high_surrogate_ != 0) put_code_unit(0, out);
    put_character(static_cast<unsigned char>(kValues[which]), out);
    escape_.clear();
    return Step::kTaken;
  }
  if (escape_.size() < 6) return Step::kTaken;
  std::uint32_t unit = 0;
  const char* end = escape_.data() + escape_.size();
  const auto parsed = std::from_chars(escape_.data() + 2, end, unit, 16);
  if (parsed.ec != std::errc{} || parsed.ptr != end) return Step::kMalformed;
  escape_.clear();
  put_code_unit(unit, out);
  return Step::kTaken;
}

// Joins surrogate pairs; half a pair becomes U+FFFD, because UTF-8 cannot hold it. Unit 0 after a
// high half only ends the wait for its other half.
void JsonReflow::put_code_unit(std::uint32_t unit, std::string& out) {
  if (high_surrogate_ != 0) {
    const std::uint32_t high = high_surrogate_;
    high_surrogate_ = 0;
    if (is_low(unit)) {
      put_character(0x10000 + ((high - 0xD800) << 10) + (unit - 0xDC00), out);
      return;
    }
    put_character(kReplacementChar, out);
    if (unit == 0) return;
  }
  if (is_high(unit)) {
    high_surrogate_ = unit;
  } else {
    put_character(is_low(unit) ? kReplacementChar : static_cast<char32_t>(unit), out);
  }
}

JsonReflow::Step JsonReflow::feed_scalar(char c, std::string& out) {
  constexpr std::size_t kLongestScalar = 1024;
  if (!ends_scalar(c)) {
    scalar_ += c;
    return scalar_.size() > kLongestScalar ? Step::kMalformed : Step::kTaken;
  }
  if (!nlohmann::json::accept(scalar_)) return Step::kMalformed;
  out += scalar_;
  expect_ = Expect::kCommaOrEnd;
  if (open_.empty()) return Step::kEndsBefore;
  return is_space(c) ? Step::kTaken : feed_structure(c, out);
}

}  // namespace nacelle::serve
