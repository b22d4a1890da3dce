// added_vocabulary.h: the added tokens of a tokenizer and the search for them in text.
//
// The longest token wins at the leftmost place. Tokens with normalized = false are looked for in
// the raw text, the others in what the normalizer makes of the text between them.
//
// Home:  built once (add, then prepare), then read by any thread.
#pragma once

#include <array>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "tokenizer/added/added_token.h"
#include "tokenizer/normalizer/normalizer.h"
#include "tokenizer/vocab/trie.h"
#include "tokenizer/vocab/vocabulary.h"

namespace nacelle::tokenizer {

enum class SpecialTokens { kParsed, kPlainText };  // whether special tokens in the text count

class AddedVocabulary {
 public:
  struct Segment {
    std::string_view text;
    TokenId id;  // -1: ordinary text
    bool at_start;
  };

  // The token gets the id that the model has for its content, else the next free one behind the
  // model and the tokens before it: what a file says about ids does not count, as in the reference
  // implementation. A content that is already there only becomes special if it was not.
  void add(AddedToken token, const Vocabulary& model);

  // Builds the search structures; `normalizer` may be null.
  void prepare(const Normalizer* normalizer);

  // Appends the segments of `text` in order, searching the raw or the normalised tokens.
  void split_raw(std::string_view text, SpecialTokens special, std::vector<Segment>& out) const;
  void split_normalized(std::string_view text, SpecialTokens special,
                        std::vector<Segment>& out) const;
  [[nodiscard]] bool has_normalized() const { return !normalized_.trie.empty(); }

  [[nodiscard]] const AddedToken* find(std::string_view content) const;
  [[nodiscard]] const AddedToken* find(TokenId id) const;
  [[nodiscard]] std::size_t id_limit() const {
    return by_id_.empty() ? 0 : by_id_.rbegin()->first + 1u;
  }
  [[nodiscard]] std::vector<AddedToken> tokens() const;

 private:
  struct Search {
    Trie trie;
    std::array<bool, 256> can_begin{};
    int only_byte = -1;  // the first byte of all tokens when it is one and the same
    [[nodiscard]] std::size_t next_candidate(std::string_view text, std::size_t pos) const;
  };

  static Search make_search(const std::vector<std::pair<std::string, TokenId>>& entries);
  void split(std::string_view text, const Search& search, SpecialTokens special,
             std::vector<Segment>& out) const;

  std::map<TokenId, AddedToken> by_id_;
  std::unordered_map<std::string, TokenId> by_content_;
  Search raw_, normalized_;
};

}  // namespace nacelle::tokenizer
