// trie.h: all entries that begin at a place of a text, by walking bytes.
//
// Nodes lie in breadth-first order; the children of a node are neighbours, sorted by byte. The root
// has a table of 256.
// Home:  built once, then read by any thread.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>
#include <vector>

#include "base/token.h"

namespace nacelle::tokenizer {

class Trie {
 public:
  struct Entry {
    std::string_view text;  // empty ones are left out
    TokenId id;             // >= 0
  };
  struct Found {
    std::size_t length = 0;  // bytes; 0: nothing found
    TokenId id = -1;
  };

  Trie() : Trie(std::vector<Entry>{}) {}

  // Of entries with equal text the later one counts. The texts need not outlive the call.
  explicit Trie(std::vector<Entry> entries);

  // Calls visit(length, id) for every entry that `text` begins with at `pos`, shortest first.
  template <class Visit>
  void each_prefix(std::string_view text, std::size_t pos, Visit visit) const {
    if (pos >= text.size()) return;
    std::uint32_t node = root_[static_cast<std::uint8_t>(text[pos])];
    for (std::size_t end = pos + 1; node != kNone; ++end) {
      if (nodes_[node].id >= 0) visit(end - pos, nodes_[node].id);
      if (end == text.size()) return;
      node = child(node, static_cast<std::uint8_t>(text[end]));
    }
  }

  [[nodiscard]] Found longest(std::string_view text, std::size_t pos) const {
    Found found;
    each_prefix(text, pos, [&](std::size_t length, TokenId id) { found = {length, id}; });
    return found;
  }

  // True when some entry begins with this byte.
  [[nodiscard]] bool can_begin(char byte) const {
    return root_[static_cast<std::uint8_t>(byte)] != kNone;
  }
  [[nodiscard]] bool empty() const { return nodes_.empty(); }

 private:
  static constexpr std::uint32_t kNone = 0xFFFF'FFFF;

  struct Node {
    std::uint32_t first_child = 0;
    std::uint16_t num_children = 0;
    std::uint8_t byte = 0;
    TokenId id = -1;
  };

  [[nodiscard]] std::uint32_t child(std::uint32_t node, std::uint8_t byte) const {
    std::uint32_t low = nodes_[node].first_child;
    std::uint32_t count = nodes_[node].num_children;
    while (count > 8) {
      const std::uint32_t half = count / 2;
      if (nodes_[low + half].byte <= byte) low += half;
      count -= half;
      if (nodes_[low].byte > byte) return kNone;
    }
    for (; count > 0; ++low, --count) {
      if (nodes_[low].byte == byte) return low;
    }
    return kNone;
  }

  std::array<std::uint32_t, 256> root_{};
  std::vector<Node> nodes_;
};

}  // namespace nacelle::tokenizer
