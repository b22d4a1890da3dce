// unigram.h: Unigram: the cut of a word into pieces with the highest sum of scores (Viterbi).
//
// Time is word length times longest piece. Sums are formed in the order of the reference
// implementation, so that ties of rounding fall the same way.
// Source:  Kudo, 2018; details as in the Hugging Face `tokenizers` Unigram model.
#pragma once

#include "tokenizer/model/model.h"
#include "tokenizer/vocab/trie.h"

namespace nacelle::tokenizer {

class Unigram final : public Model {
 public:
  [[nodiscard]] static Result<std::unique_ptr<Model>> from_json(const JsonNode& node);

  void encode_word(std::string_view word, Scratch& scratch,
                   std::vector<TokenId>& out) const override;

 private:
  Unigram(Vocabulary vocabulary, std::vector<double> scores, TokenId unk_id, bool byte_fallback);

  void find_best_path(std::string_view word, Scratch& scratch) const;
  void append_unknown(std::string_view text, std::vector<TokenId>& reversed) const;

  std::vector<double> scores_;  // by id
  Trie trie_;
  TokenId unk_id_;  // -1: unknown characters are left out
  bool byte_fallback_;
  double unk_score_ = 0;
  std::vector<TokenId> fallback_ids_;  // <0xNN>, 256 entries, -1: missing
};

}  // namespace nacelle::tokenizer
