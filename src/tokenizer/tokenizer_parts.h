// tokenizer_parts.h: the pieces of a Tokenizer; only files of this folder include it.
#pragma once

#include <memory>

#include "tokenizer/added/added_vocabulary.h"
#include "tokenizer/decoder/decoder.h"
#include "tokenizer/model/model.h"
#include "tokenizer/normalizer/normalizer.h"
#include "tokenizer/post_processor/post_processor.h"
#include "tokenizer/pre_tokenizer/pre_tokenizer.h"
#include "tokenizer/tokenizer.h"

namespace nacelle::tokenizer {

struct Tokenizer::Parts {
  TokenizerConfig config;
  std::unique_ptr<Normalizer> normalizer;  // may be null
  PreTokenizerPlan pre_tokenizer;
  std::unique_ptr<Model> model;
  AddedVocabulary added;
  PostProcessor post_processor;
  Decoder decoder;
  std::uint64_t model_number = Scratch::next_model_number();

  // From the two files; errors name the file.
  [[nodiscard]] static Result<std::unique_ptr<Parts>> from_json(std::string_view tokenizer_json,
                                                                TokenizerConfig config);

  void encode_segment(const AddedVocabulary::Segment& segment, SpecialTokens special,
                      Scratch& scratch, std::vector<TokenId>& out) const;
  [[nodiscard]] std::optional<std::string_view> token(TokenId id) const;

 private:
  void encode_piece(const Piece& piece, Scratch& scratch, std::vector<TokenId>& out) const;
  void encode_uncut(std::string_view text, Scratch& scratch, std::vector<TokenId>& out) const;
  void encode_word(std::string_view word, Scratch& scratch, std::vector<TokenId>& out) const;

  [[nodiscard]] Status read_added_tokens(const JsonNode& root);
  [[nodiscard]] Status read_post_processor(const JsonNode& root);
};

}  // namespace nacelle::tokenizer
