#include "net/http/headers.h"

#include <algorithm>
#include <array>
#include <cstring>

namespace nacelle::net::http {

namespace {

constexpr std::array<bool, 256> make_token_table() {
  std::array<bool, 256> table{};
  for (int c = '0'; c <= '9'; ++c) table[c] = true;
  for (int c = 'a'; c <= 'z'; ++c) table[c] = true;
  for (int c = 'A'; c <= 'Z'; ++c) table[c] = true;
  for (char c : {'!', '#', '$', '%', '&', '\'', '*', '+', '-', '.', '^', '_', '`', '|', '~'}) {
    table[static_cast<unsigned char>(c)] = true;
  }
  return table;
}
constexpr std::array<bool, 256> kTokenChar = make_token_table();

constexpr char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c | 0x20) : c; }

std::string_view trim(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

constexpr std::size_t kMinBlock = 1024;
constexpr std::size_t kOwnFields = 8;  // that a forwarder adds to those it borrowed
constexpr std::uint64_t kOnes = 0x0101010101010101;
constexpr std::uint64_t kCaseBits = kOnes * 0x20;

}  // namespace

bool equals_ignore_case_rest(const char* a, const char* b, std::size_t size) {
  std::size_t i = 0;
  for (; i + 8 <= size; i += 8) {
    std::uint64_t x = 0, y = 0;
    std::memcpy(&x, a + i, 8);
    std::memcpy(&y, b + i, 8);
    if (x == y) continue;
    if (((x ^ y) & ~kCaseBits) != 0) return false;
    for (std::size_t j = i; j < i + 8; ++j) {
      if (lower(a[j]) != lower(b[j])) return false;
    }
  }
  for (; i < size; ++i) {
    if (lower(a[i]) != lower(b[i])) return false;
  }
  return true;
}

std::size_t token_prefix(std::string_view text) {
  std::size_t size = 0;
  while (size < text.size() && kTokenChar[static_cast<unsigned char>(text[size])]) ++size;
  return size;
}

bool is_token(std::string_view text) { return !text.empty() && token_prefix(text) == text.size(); }

bool is_field_value(std::string_view text) {
  const auto fine = [](char c) {
    const auto byte = static_cast<unsigned char>(c);
    return (byte >= 0x20 && byte != 0x7F) || byte == '\t';
  };
  std::size_t i = 0;
  for (; i + 8 <= text.size(); i += 8) {
    std::uint64_t word = 0;
    std::memcpy(&word, text.data() + i, 8);
    // A byte below 0x20 borrows into its high bit; one that is 0x7F becomes zero, which does, too.
    const std::uint64_t low = (word - kOnes * 0x20) & ~word;
    const std::uint64_t flipped = word ^ kOnes * 0x7F;
    const std::uint64_t deleted = (flipped - kOnes) & ~flipped;
    if (((low | deleted) & kOnes * 0x80) == 0) continue;
    if (!std::all_of(text.data() + i, text.data() + i + 8, fine)) return false;
  }
  return std::all_of(text.begin() + static_cast<std::ptrdiff_t>(i), text.end(), fine);
}

Headers::Headers(std::initializer_list<Field> fields) {
  for (const Field& field : fields) add(field.name, field.value);
}

Headers::Headers(const Headers& other) { *this = other; }

Headers& Headers::operator=(const Headers& other) {
  if (this == &other) return *this;
  clear();
  fields_.reserve(other.fields_.size());
  for (const Field& field : other.fields_) add_stored(store(field.name), store(field.value));
  invalid_ = other.invalid_;
  return *this;
}

std::string_view Headers::store(std::string_view text) {
  if (text.empty()) return {};
  if (blocks_.empty() || blocks_.back().size - used_ < text.size()) {
    const std::size_t size = std::max(kMinBlock, text.size());
    blocks_.push_back({std::make_unique_for_overwrite<char[]>(size), size});
    used_ = 0;
  }
  char* at = blocks_.back().bytes.get() + used_;
  std::memcpy(at, text.data(), text.size());
  used_ += text.size();
  return {at, text.size()};
}

Headers::Field Headers::checked(std::string_view name, std::string_view value) {
  value = trim(value);
  const Field field{store(name), store(value)};
  if (invalid_.data() == nullptr && !(is_token(name) && is_field_value(value))) {
    invalid_ = field.name.empty() ? std::string_view("(empty)") : field.name;
  }
  return field;
}

void Headers::add(std::string_view name, std::string_view value) {
  fields_.push_back(checked(name, value));
}

void Headers::set(std::string_view name, std::string_view value) { replace(checked(name, value)); }

void Headers::set_known(std::string_view name, std::string_view value) {
  value = trim(value);
  if (invalid_.data() == nullptr && !is_field_value(value)) invalid_ = name;
  replace({name, store(value)});
}

void Headers::replace(Field field) {
  for (std::size_t i = 0; i < fields_.size(); ++i) {
    if (!equals_ignore_case(fields_[i].name, field.name)) continue;
    fields_[i] = field;
    const auto rest = fields_.begin() + static_cast<std::ptrdiff_t>(i) + 1;
    fields_.erase(std::remove_if(rest, fields_.end(),
                                 [&](const Field& other) {
                                   return equals_ignore_case(other.name, field.name);
                                 }),
                  fields_.end());
    return;
  }
  fields_.push_back(field);
}

void Headers::borrow(const Headers& other) {
  clear();
  fields_.reserve(other.fields_.size() + kOwnFields);
  fields_.assign(other.fields_.begin(), other.fields_.end());
  invalid_ = other.invalid_;
}

std::size_t Headers::remove(std::string_view name) {
  return remove_if([name](const Field& field) { return equals_ignore_case(field.name, name); });
}

std::optional<std::string_view> Headers::find(std::string_view name) const {
  for (const Field& field : fields_) {
    if (equals_ignore_case(field.name, name)) return field.value;
  }
  return std::nullopt;
}

std::string_view Headers::get(std::string_view name, std::string_view fallback) const {
  return find(name).value_or(fallback);
}

std::size_t Headers::count(std::string_view name) const {
  return static_cast<std::size_t>(
      std::count_if(fields_.begin(), fields_.end(),
                    [name](const Field& field) { return equals_ignore_case(field.name, name); }));
}

bool list_has_token(std::string_view list, std::string_view token) {
  while (!list.empty()) {
    const std::size_t comma = std::min(list.find(','), list.size());
    if (equals_ignore_case(trim(list.substr(0, comma)), token)) return true;
    list.remove_prefix(std::min(comma + 1, list.size()));
  }
  return false;
}

bool Headers::has_token(std::string_view name, std::string_view token) const {
  return std::any_of(fields_.begin(), fields_.end(), [&](const Field& field) {
    return equals_ignore_case(field.name, name) && list_has_token(field.value, token);
  });
}

void Headers::clear() {
  fields_.clear();
  if (blocks_.size() > 1) blocks_.resize(1);
  used_ = 0;
  invalid_ = {};
}

Status Headers::validate() const {
  if (invalid_.data() == nullptr) return {};
  std::string shown;
  for (char c : invalid_.substr(0, 64)) shown += c >= 0x20 && c < 0x7F ? c : '?';
  return invalid_argument("header field {} has a byte that cannot be sent", shown);
}

}  // namespace nacelle::net::http
