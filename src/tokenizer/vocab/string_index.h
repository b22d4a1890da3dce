// string_index.h: a hash table from byte strings to token ids, one allocation for all strings.
//
// Open addressing, at most half full. A string that is added twice keeps the later id.
// Home:  built once, then read by any thread.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/token.h"

namespace nacelle::tokenizer {

class StringIndex {
 public:
  StringIndex() { slots_.resize(16); }

  // Room for `count` strings; more may be added.
  void reserve(std::size_t count);

  // `text` may be empty. At most 2^32 bytes of strings in total.
  void add(std::string_view text, TokenId id);

  [[nodiscard]] std::optional<TokenId> find(std::string_view text) const;

  // Number of different strings.
  [[nodiscard]] std::size_t size() const { return size_; }
  [[nodiscard]] std::size_t longest() const { return longest_; }

 private:
  struct Slot {
    std::uint32_t hash = 0;
    std::uint32_t offset = 0;
    std::uint32_t length = 0;
    TokenId id = -1;  // -1: free
  };

  [[nodiscard]] std::size_t slot_of(std::string_view text, std::uint32_t hash) const;
  void grow_to(std::size_t num_slots);  // a power of two

  std::string pool_;
  std::vector<Slot> slots_;
  std::size_t size_ = 0;
  std::size_t longest_ = 0;
};

}  // namespace nacelle::tokenizer
