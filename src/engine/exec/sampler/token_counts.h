// token_counts.h: how often each token occurred in a sequence, for the penalties.
//
// A list in order of appearance and an open-addressed table into it. Within what reserve() was
// told, counting allocates nothing.
//
// Home:    the engine loop, one per sequence.
// Cost:    O(1) per token.
#pragma once

#include <bit>
#include <cstdint>
#include <span>
#include <vector>

#include "base/token.h"

namespace nacelle::engine {

class TokenCounts {
 public:
  struct Entry {
    TokenId token = 0;
    std::uint32_t in_outputs = 0;
  };

  // Room for `count` more tokens that were not seen before.
  void reserve(std::size_t count) {
    entries_.reserve(entries_.size() + count);
    grow_table(entries_.size() + count);
  }

  void add_prompt(TokenId token) { (void)entry(token); }
  void add_output(TokenId token) { ++entry(token).in_outputs; }

  // Each token once, in order of appearance.
  [[nodiscard]] std::span<const Entry> entries() const { return entries_; }
  // Occurrences in outputs.
  [[nodiscard]] std::uint32_t in_outputs(TokenId token) const {
    if (table_.empty()) return 0;
    const std::uint32_t index = table_[place_of(token)];
    return index == kEmpty ? 0 : entries_[index].in_outputs;
  }

 private:
  static constexpr std::uint32_t kEmpty = 0xffffffffu;

  // The place that holds `token`, or the empty one where it belongs.
  [[nodiscard]] std::size_t place_of(TokenId token) const {
    std::size_t place = static_cast<std::uint32_t>(token) * 0x9E3779B1u & (table_.size() - 1);
    while (table_[place] != kEmpty && entries_[table_[place]].token != token) {
      place = (place + 1) & (table_.size() - 1);
    }
    return place;
  }

  // At most half of the table is taken, so that probes are short and end.
  void grow_table(std::size_t num_entries) {
    if (2 * num_entries <= table_.size()) return;
    table_.assign(std::bit_ceil(2 * num_entries), kEmpty);
    for (std::uint32_t i = 0; i < entries_.size(); ++i) table_[place_of(entries_[i].token)] = i;
  }

  Entry& entry(TokenId token) {
    grow_table(entries_.size() + 1);
    std::uint32_t& index = table_[place_of(token)];
    if (index == kEmpty) {
      index = static_cast<std::uint32_t>(entries_.size());
      entries_.push_back({token, 0});
    }
    return entries_[index];
  }

  std::vector<Entry> entries_;
  std::vector<std::uint32_t> table_;  // a power of two of indices into entries_
};

}  // namespace nacelle::engine
