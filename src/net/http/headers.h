// headers.h: the header fields of one message, in order.
//
// Names compare without case. Text is copied into blocks that never move, so views that lookups
// return stay valid until clear(), assignment or destruction, also while fields are added or
// removed. clear() keeps the first block: a connection that reuses its head does not allocate per
// request.
//
// Cost:    lookups are linear; real heads have 5 to 30 fields.
#pragma once

#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <memory>
#include <optional>
#include <string_view>
#include <vector>

#include "base/status.h"

namespace nacelle::net::http {

class Headers {
 public:
  struct Field {
    std::string_view name;   // as received or given
    std::string_view value;  // without surrounding white space
  };
  using const_iterator = std::vector<Field>::const_iterator;

  Headers() = default;
  Headers(std::initializer_list<Field> fields);
  Headers(const Headers& other);
  Headers& operator=(const Headers& other);
  Headers(Headers&&) noexcept = default;
  Headers& operator=(Headers&&) noexcept = default;

  // Appends a field. Several fields of one name are kept apart.
  void add(std::string_view name, std::string_view value);
  // Replaces all fields of that name by one, at the place of the first.
  void set(std::string_view name, std::string_view value);
  // The same for a name that is a token and lives as long as the program: only the value is checked
  // and copied.
  void set_known(std::string_view name, std::string_view value);
  // Takes the fields of `other` without their text, which stays there: `other` must live longer and
  // may only be added to meanwhile.
  void borrow(const Headers& other);
  // Returns how many were removed.
  std::size_t remove(std::string_view name);
  // Removes every field for which predicate(field) is true.
  template <class Predicate>
  std::size_t remove_if(Predicate predicate) {
    return std::erase_if(fields_, predicate);
  }

  // The first value of that name.
  [[nodiscard]] std::optional<std::string_view> find(std::string_view name) const;
  // The first value, or `fallback`.
  [[nodiscard]] std::string_view get(std::string_view name, std::string_view fallback = {}) const;
  [[nodiscard]] bool contains(std::string_view name) const { return find(name).has_value(); }
  [[nodiscard]] std::size_t count(std::string_view name) const;
  // True when a comma-separated list of any field of that name has the token, without case.
  [[nodiscard]] bool has_token(std::string_view name, std::string_view token) const;

  [[nodiscard]] const_iterator begin() const { return fields_.begin(); }
  [[nodiscard]] const_iterator end() const { return fields_.end(); }
  [[nodiscard]] std::size_t size() const { return fields_.size(); }
  [[nodiscard]] bool empty() const { return fields_.empty(); }
  void clear();

  // invalid_argument when a name that was added is no token or its value has CR, LF, NUL or another
  // control byte: sending it would let its source forge headers. Checked while adding, so this is
  // O(1).
  [[nodiscard]] Status validate() const;

  // Copies text into this object's storage; for the parsers, which slice fields out of one copy.
  std::string_view store(std::string_view text);
  // Appends a field whose text is already stored here.
  void add_stored(std::string_view name, std::string_view value) {
    fields_.push_back({name, value});
  }
  // The same in front of the others; the name is text that lives as long as the program.
  void prepend_stored(std::string_view name, std::string_view value) {
    fields_.insert(fields_.begin(), {name, value});
  }

 private:
  struct Block {
    std::unique_ptr<char[]> bytes;
    std::size_t size = 0;
  };

  Field checked(std::string_view name, std::string_view value);
  void replace(Field field);

  std::vector<Field> fields_;
  std::vector<Block> blocks_;
  std::size_t used_ = 0;        // bytes of the last block
  std::string_view invalid_{};  // the name of the first field that cannot be sent
};

// Out of line: two texts of one size whose first bytes are equal without case.
[[nodiscard]] bool equals_ignore_case_rest(const char* a, const char* b, std::size_t size);

// ASCII only. Most names that are compared differ in their size or first letter.
[[nodiscard]] inline bool equals_ignore_case(std::string_view a, std::string_view b) {
  if (a.size() != b.size()) return false;
  if (a.empty()) return true;
  // Bytes that differ in more than the case bit cannot be equal.
  if (((a.front() ^ b.front()) & ~0x20) != 0) return false;
  return equals_ignore_case_rest(a.data(), b.data(), a.size());
}

// How many leading bytes may be part of an RFC 9110 token.
[[nodiscard]] std::size_t token_prefix(std::string_view text);
// True for a non-empty RFC 9110 token: what methods and field names are made of.
[[nodiscard]] bool is_token(std::string_view text);
// True when no byte is a control character other than tab.
[[nodiscard]] bool is_field_value(std::string_view text);
// True when the comma-separated list has the token, without case.
[[nodiscard]] bool list_has_token(std::string_view list, std::string_view token);

}  // namespace nacelle::net::http
