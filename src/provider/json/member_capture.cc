#include "provider/json/member_capture.h"

#include <array>

namespace nacelle::provider::json {

namespace {

constexpr std::size_t kMaxKeyBytes = 64;

constexpr std::array<bool, 256> table_of(std::string_view bytes) {
  std::array<bool, 256> table{};
  for (const char c : bytes) table[static_cast<unsigned char>(c)] = true;
  return table;
}
constexpr auto kEndsString = table_of("\"\\");
constexpr auto kMatters = table_of("\"{}[]:,");

const char* find_in(const std::array<bool, 256>& table, const char* at, const char* end) {
  while (at != end && !table[static_cast<unsigned char>(*at)]) ++at;
  return at;
}

std::string_view trim(std::string_view text) {
  const auto begin = text.find_first_not_of(" \t\r\n");
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(" \t\r\n") - begin + 1);
}

}  // namespace

MemberCapture::MemberCapture(std::initializer_list<std::string_view> names,
                             std::size_t max_value_bytes)
    : max_value_bytes_(max_value_bytes) {
  for (const std::string_view name : names) slots_.push_back({name, {}, false});
}

void MemberCapture::reset() {
  for (Slot& slot : slots_) {
    slot.text.clear();
    slot.whole = false;
  }
  key_.clear();
  open_ = nullptr;
  depth_ = 0;
  in_string_ = escaped_ = expect_key_ = false;
}

void MemberCapture::keep(std::string_view bytes) {
  if (open_ == nullptr) return;
  if (open_->text.size() + bytes.size() > max_value_bytes_) {
    open_->text.clear();
    open_ = nullptr;
    return;
  }
  open_->text.append(bytes);
}

void MemberCapture::begin_value() {
  expect_key_ = false;
  for (Slot& slot : slots_) {
    if (slot.name != key_) continue;
    slot.text.clear();  // of two equal keys the last counts
    slot.whole = false;
    open_ = &slot;
  }
}

void MemberCapture::end_value() {
  if (open_ == nullptr) return;
  open_->text = std::string(trim(open_->text));
  open_->whole = true;
  open_ = nullptr;
}

// Reads up to and including the closing quote, or to the end of what is there.
const char* MemberCapture::scan_string(const char* at, const char* end) {
  const char* const begin = at;
  while (at != end) {
    if (escaped_) {
      escaped_ = false;
      ++at;
      continue;
    }
    at = find_in(kEndsString, at, end);
    if (at == end) break;
    if (*at++ == '\\') {
      escaped_ = true;
    } else {
      in_string_ = false;
      break;
    }
  }
  const std::string_view text(begin, static_cast<std::size_t>(at - begin));
  if (expect_key_ && depth_ == 1) {
    if (key_.size() <= kMaxKeyBytes) key_.append(text.substr(0, kMaxKeyBytes + 2));
    if (!in_string_ && key_.ends_with('"')) key_.pop_back();
  } else {
    keep(text);
  }
  return at;
}

// Reads to the next byte with a meaning and acts on it.
const char* MemberCapture::scan_outside(const char* at, const char* end) {
  const char* const begin = at;
  at = find_in(kMatters, at, end);
  keep({begin, static_cast<std::size_t>(at - begin)});
  if (at == end) return at;
  const char c = *at++;
  if (depth_ == 1 && (c == ',' || c == '}')) {
    end_value();
    expect_key_ = true;
    key_.clear();
  }
  if (depth_ == 1 && expect_key_ && c == ':') {
    begin_value();
    return at;
  }
  if (c == '"') in_string_ = true;
  if (c == '{' || c == '[') {
    if (depth_++ == 0) {
      expect_key_ = c == '{';
      key_.clear();
      return at;
    }
  }
  if ((c == '}' || c == ']') && depth_ > 0) --depth_;
  if (!(expect_key_ && depth_ == 1)) keep({&c, 1});
  return at;
}

void MemberCapture::feed(std::string_view bytes) {
  const char* at = bytes.data();
  const char* const end = at + bytes.size();
  while (at != end) at = in_string_ ? scan_string(at, end) : scan_outside(at, end);
}

}  // namespace nacelle::provider::json
