// object_scanner.h: the members of one JSON object where they stand in the text, without a tree.
//
//   ObjectScanner scanner(body);
//   while (const auto member = scanner.next()) {
//     if (member->key == "model") replace(body, member->value);
//   }
//   if (!scanner.ok()) ...  // the text is not one object
//
// Strings and brackets are checked to the end of the text, also inside values; what stands between
// them inside a nested value is not. That is enough to edit a body surgically: the backend parses
// it again.
//
// Home:    the caller's stack; views point into the text.
// Bounds:  nesting up to kMaxDepth, else not ok.
// Cost:    strings at memchr's rate, the rest a table look-up per byte.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace nacelle::provider::json {

struct Member {
  std::string_view key;    // as written between the quotes: escapes are not decoded
  std::string_view value;  // one whole value without white space around it
};

class ObjectScanner {
 public:
  static constexpr std::size_t kMaxDepth = 128;

  explicit ObjectScanner(std::string_view text) : text_(text) {}

  // The next member; nullopt at the end of the object and when the text is malformed.
  [[nodiscard]] std::optional<Member> next();

  // After nullopt: the text was one object and nothing else.
  [[nodiscard]] bool ok() const { return state_ == State::kEnd; }

 private:
  enum class State : std::uint8_t { kStart, kMembers, kEnd, kFailed };

  void skip_space();
  bool take(char c);
  std::optional<std::string_view> take_string();  // what is between the quotes
  bool skip_value();
  bool skip_nested();
  bool finish();

  std::string_view text_;
  std::size_t pos_ = 0;
  State state_ = State::kStart;
};

// True when the key, its escapes decoded, is `name`. A body may spell "model" as "mod\u0065l".
[[nodiscard]] bool key_is(std::string_view raw_key, std::string_view name);

// The decoded text of a raw JSON string value, quotes included; nullopt for other values and bad
// escapes.
[[nodiscard]] std::optional<std::string> string_value(std::string_view raw);

// A raw number without sign, fraction and exponent; nullopt for others and beyond 64 bits.
[[nodiscard]] std::optional<std::uint64_t> unsigned_value(std::string_view raw);

}  // namespace nacelle::provider::json
