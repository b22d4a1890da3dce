// token_list.h: a few tokens without a heap allocation, or many with one.
//
// What one step says about a sequence is one token as a rule, up to 1 + drafts with speculation.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <initializer_list>
#include <vector>

#include "base/token.h"

namespace nacelle::engine {

class TokenList {
 public:
  static constexpr std::size_t kInline = 6;

  TokenList() = default;
  TokenList(std::initializer_list<TokenId> tokens) { append(tokens.begin(), tokens.end()); }
  // NOLINTNEXTLINE(google-explicit-constructor): the same tokens
  TokenList(const std::vector<TokenId>& tokens) { append(tokens.begin(), tokens.end()); }

  void push_back(TokenId token) {
    if (heap_.empty() && num_inline_ < kInline) {
      inline_[num_inline_++] = token;
      return;
    }
    if (heap_.empty()) {
      heap_.assign(inline_.begin(), inline_.end());
      num_inline_ = 0;
    }
    heap_.push_back(token);
  }

  [[nodiscard]] std::size_t size() const { return heap_.empty() ? num_inline_ : heap_.size(); }
  [[nodiscard]] bool empty() const { return size() == 0; }
  [[nodiscard]] const TokenId* begin() const {
    return heap_.empty() ? inline_.data() : heap_.data();
  }
  [[nodiscard]] const TokenId* end() const { return begin() + size(); }
  [[nodiscard]] TokenId operator[](std::size_t index) const { return begin()[index]; }

  friend bool operator==(const TokenList& a, const TokenList& b) {
    return std::equal(a.begin(), a.end(), b.begin(), b.end());
  }

 private:
  template <class Iterator>
  void append(Iterator first, Iterator last) {
    for (; first != last; ++first) push_back(*first);
  }

  std::array<TokenId, kInline> inline_{};
  std::uint32_t num_inline_ = 0;  // 0 when the tokens are in heap_
  std::vector<TokenId> heap_;
};

}  // namespace nacelle::engine
