// model.h: turns one word into token ids (the "model" of tokenizer.json).
//
// Home:  any thread; immutable. What a call needs to write lies in the caller's Scratch.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/token.h"
#include "tokenizer/json/json_node.h"
#include "tokenizer/model/scratch.h"
#include "tokenizer/vocab/vocabulary.h"

namespace nacelle::tokenizer {

class Model {
 public:
  explicit Model(Vocabulary vocabulary) : vocabulary_(std::move(vocabulary)) {}
  virtual ~Model() = default;

  // Appends the ids of `word` (not empty). Characters that the vocabulary cannot express give the
  // unknown token, or nothing when the model has none.
  virtual void encode_word(std::string_view word, Scratch& scratch,
                           std::vector<TokenId>& out) const = 0;

  // When set, encoding a text equals encoding its parts, cut before each occurrence of this string
  // that does not follow another: text that no pre-tokenizer splits becomes short, cacheable words.
  [[nodiscard]] virtual std::string_view cut_before() const { return {}; }

  [[nodiscard]] const Vocabulary& vocabulary() const { return vocabulary_; }

 protected:
  Vocabulary vocabulary_;
};

// Words reach the model as text, or as raw bytes where the last pre-tokenizer is ByteLevel.
enum class WordForm { kText, kBytes };

// By "type"; older files without one are told apart by their keys. Errors name the path and the
// key.
[[nodiscard]] Result<std::unique_ptr<Model>> make_model(const JsonNode& node, WordForm form);

// True when the model can take its words as bytes.
[[nodiscard]] bool model_accepts_bytes(const JsonNode& node);

}  // namespace nacelle::tokenizer
