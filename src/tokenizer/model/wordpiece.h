// wordpiece.h: WordPiece (longest match from the left) and WordLevel (whole words).
//
// Source:  Wu et al., 2016; details as in the Hugging Face `tokenizers` models.
#pragma once

#include "tokenizer/model/model.h"
#include "tokenizer/vocab/trie.h"

namespace nacelle::tokenizer {

class WordPiece final : public Model {
 public:
  [[nodiscard]] static Result<std::unique_ptr<Model>> from_json(const JsonNode& node);

  // A word that is too long or does not come out even is one unknown token.
  void encode_word(std::string_view word, Scratch& scratch,
                   std::vector<TokenId>& out) const override;

 private:
  WordPiece(Vocabulary vocabulary, TokenId unk_id, std::size_t max_chars, std::string_view prefix);

  TokenId unk_id_;
  std::size_t max_chars_;
  Trie first_;  // pieces that begin a word
  Trie inner_;  // pieces that continue one, without their prefix
};

class WordLevel final : public Model {
 public:
  [[nodiscard]] static Result<std::unique_ptr<Model>> from_json(const JsonNode& node);
  void encode_word(std::string_view word, Scratch& scratch,
                   std::vector<TokenId>& out) const override;

 private:
  WordLevel(Vocabulary vocabulary, TokenId unk_id)
      : Model(std::move(vocabulary)), unk_id_(unk_id) {}
  TokenId unk_id_;
};

}  // namespace nacelle::tokenizer
