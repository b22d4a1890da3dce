// bpe.h: byte pair encoding: characters (or bytes) merge in the order of the list of merges.
//
// Short words scan for the lowest rank; long ones use a queue, O(n log n) in the word, so that a
// megabyte of one letter is nothing special.
// Source:  Sennrich et al., 2016; details as in the Hugging Face `tokenizers` BPE model.
#pragma once

#include <array>
#include <string>

#include "tokenizer/model/merge_table.h"
#include "tokenizer/model/model.h"

namespace nacelle::tokenizer {

struct BpeOptions {
  std::string unk_token;                  // empty: none
  std::string continuing_subword_prefix;  // put before every character but the first
  std::string end_of_word_suffix;         // put behind the last character
  bool fuse_unk = false;                  // neighbouring unknown characters give one unknown token
  bool byte_fallback = false;             // unknown characters become <0xNN> tokens
  bool ignore_merges = false;             // a word that is in the vocabulary is that token
};

class Bpe final : public Model {
 public:
  [[nodiscard]] static Result<std::unique_ptr<Model>> from_json(const JsonNode& node,
                                                                WordForm form);

  void encode_word(std::string_view word, Scratch& scratch,
                   std::vector<TokenId>& out) const override;
  [[nodiscard]] std::string_view cut_before() const override { return cut_before_; }

 private:
  Bpe(Vocabulary vocabulary, BpeOptions options, WordForm form);

  [[nodiscard]] Status read_merges(const JsonNode& node);
  void prepare_bytes();
  void find_cut(bool inner_mark);

  void symbols_of_bytes(std::string_view word, std::vector<TokenId>& out) const;
  void symbols_of_text(std::string_view word, std::vector<TokenId>& out) const;
  void merge_short(Scratch& scratch, std::vector<TokenId>& out) const;
  void merge_long(Scratch& scratch, std::vector<TokenId>& out) const;

  BpeOptions options_;
  WordForm form_;
  MergeTable merges_;
  std::optional<TokenId> unk_id_;
  std::array<TokenId, 256> byte_ids_{};      // token of each byte; -1: not in the vocabulary
  std::array<TokenId, 256> fallback_ids_{};  // token <0xNN>; -1: not in the vocabulary
  StringIndex words_;                        // whole words in the form they come in (ignore_merges)
  std::string_view cut_before_;
};

}  // namespace nacelle::tokenizer
