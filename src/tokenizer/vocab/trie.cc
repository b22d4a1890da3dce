#include "tokenizer/vocab/trie.h"

#include <algorithm>

namespace nacelle::tokenizer {

Trie::Trie(std::vector<Entry> entries) {
  root_.fill(kNone);
  std::erase_if(entries, [](const Entry& e) { return e.text.empty(); });
  std::stable_sort(entries.begin(), entries.end(),
                   [](const Entry& a, const Entry& b) { return a.text < b.text; });

  // Entries [begin, end) share their first `depth` bytes: those that lead to `node`.
  struct Range {
    std::size_t begin, end, depth;
  };
  std::vector<Range> ranges;  // ranges[i] belongs to nodes_[i]
  const auto add_children = [&](std::size_t begin, std::size_t end, std::size_t depth) {
    while (begin < end) {
      const char byte = entries[begin].text[depth];
      std::size_t group = begin;
      while (group < end && entries[group].text[depth] == byte) ++group;
      nodes_.push_back({0, 0, static_cast<std::uint8_t>(byte), -1});
      ranges.push_back({begin, group, depth + 1});
      begin = group;
    }
  };
  add_children(0, entries.size(), 0);
  for (std::size_t i = 0; i < nodes_.size(); ++i)
    root_[nodes_[i].byte] = static_cast<std::uint32_t>(i);
  for (std::size_t i = 0; i < nodes_.size(); ++i) {
    Range range = ranges[i];
    while (range.begin < range.end && entries[range.begin].text.size() == range.depth) {
      nodes_[i].id = entries[range.begin++].id;
    }
    const std::size_t first = nodes_.size();
    add_children(range.begin, range.end, range.depth);
    nodes_[i].first_child = static_cast<std::uint32_t>(first);
    nodes_[i].num_children = static_cast<std::uint16_t>(nodes_.size() - first);
  }
}

}  // namespace nacelle::tokenizer
