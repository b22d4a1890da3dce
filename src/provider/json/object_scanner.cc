#include "provider/json/object_scanner.h"

#include <array>
#include <charconv>
#include <cstring>
#include <nlohmann/json.hpp>

namespace nacelle::provider::json {

namespace {

// Bytes that matter inside a nested value, outside of strings.
constexpr std::array<bool, 256> kStructural = [] {
  std::array<bool, 256> table{};
  for (const char c : {'"', '{', '}', '[', ']'}) table[static_cast<unsigned char>(c)] = true;
  return table;
}();

bool is_space(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }

bool is_scalar(std::string_view text) {
  if (text == "true" || text == "false" || text == "null") return true;
  if (text.empty() || text.find_first_not_of("0123456789+-.eE") != std::string_view::npos) {
    return false;
  }
  return text.find_first_of("0123456789") != std::string_view::npos;
}

}  // namespace

void ObjectScanner::skip_space() {
  while (pos_ < text_.size() && is_space(text_[pos_])) ++pos_;
}

bool ObjectScanner::take(char c) {
  if (pos_ >= text_.size() || text_[pos_] != c) return false;
  ++pos_;
  return true;
}

std::optional<std::string_view> ObjectScanner::take_string() {
  if (!take('"')) return std::nullopt;
  const std::size_t begin = pos_;
  for (;;) {
    const std::size_t quote = text_.find('"', pos_);
    if (quote == std::string_view::npos) return std::nullopt;
    std::size_t slashes = 0;
    while (quote - slashes > begin && text_[quote - slashes - 1] == '\\') ++slashes;
    pos_ = quote + 1;
    if (slashes % 2 == 0) return text_.substr(begin, quote - begin);
  }
}

bool ObjectScanner::skip_nested() {
  std::array<char, kMaxDepth> closers{};
  std::size_t depth = 0;
  do {
    while (pos_ < text_.size() && !kStructural[static_cast<unsigned char>(text_[pos_])]) ++pos_;
    if (pos_ >= text_.size()) return false;
    const char c = text_[pos_];
    if (c == '"') {
      if (!take_string()) return false;
      continue;
    }
    ++pos_;
    if (c == '{' || c == '[') {
      if (depth == kMaxDepth) return false;
      closers[depth++] = c == '{' ? '}' : ']';
    } else if (closers[--depth] != c) {
      return false;
    }
  } while (depth > 0);
  return true;
}

bool ObjectScanner::skip_value() {
  if (pos_ >= text_.size()) return false;
  const char c = text_[pos_];
  if (c == '"') return take_string().has_value();
  if (c == '{' || c == '[') return skip_nested();
  const std::size_t begin = pos_;
  while (pos_ < text_.size() && text_[pos_] != ',' && text_[pos_] != '}' && !is_space(text_[pos_]))
    ++pos_;
  return is_scalar(text_.substr(begin, pos_ - begin));
}

bool ObjectScanner::finish() {
  skip_space();
  state_ = pos_ == text_.size() ? State::kEnd : State::kFailed;
  return false;
}

std::optional<Member> ObjectScanner::next() {
  if (state_ == State::kEnd || state_ == State::kFailed) return std::nullopt;
  const bool first = state_ == State::kStart;
  state_ = State::kFailed;  // until this member is whole
  skip_space();
  if (first && !take('{')) return std::nullopt;
  skip_space();
  if (take('}')) {
    finish();
    return std::nullopt;
  }
  if (!first && !take(',')) return std::nullopt;
  skip_space();
  const auto key = take_string();
  if (!key) return std::nullopt;
  skip_space();
  if (!take(':')) return std::nullopt;
  skip_space();
  const std::size_t begin = pos_;
  if (!skip_value()) return std::nullopt;
  state_ = State::kMembers;
  return Member{*key, text_.substr(begin, pos_ - begin)};
}

bool key_is(std::string_view raw_key, std::string_view name) {
  if (raw_key.find('\\') == std::string_view::npos) return raw_key == name;
  std::string quoted = "\"";
  quoted.append(raw_key);
  quoted += '"';
  return string_value(quoted) == name;
}

std::optional<std::string> string_value(std::string_view raw) {
  if (raw.size() < 2 || raw.front() != '"' || raw.back() != '"') return std::nullopt;
  const auto parsed = nlohmann::json::parse(raw, nullptr, /*allow_exceptions=*/false);
  if (!parsed.is_string()) return std::nullopt;
  return parsed.get<std::string>();
}

std::optional<std::uint64_t> unsigned_value(std::string_view raw) {
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(raw.data(), raw.data() + raw.size(), value);
  if (error != std::errc() || end != raw.data() + raw.size()) return std::nullopt;
  return value;
}

}  // namespace nacelle::provider::json
