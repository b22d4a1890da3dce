// tokenizer.h: text to token ids and back, as tokenizer.json says. The public face of this folder.
//
// Gives the ids that the Hugging Face `tokenizers` library gives for the same file. See README.md
// for what is covered and incremental_decoder.h for decoding token by token.
//
// Home:    any thread: immutable after load, shared as shared_ptr<const Tokenizer>. Each thread
// that
//          encodes keeps a word cache of 1 MiB for the tokenizer (model/scratch.h).
// Errors:  loading says which file, which path in it and what is wrong. Encoding and decoding
// accept
//          everything.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/token.h"
#include "tokenizer/tokenizer_config.h"

namespace nacelle::tokenizer {

struct EncodeOptions {
  bool add_special_tokens = true;  // what the post-processor adds: BOS and the like
  bool parse_special = true;       // special tokens written in the text count as such
};

struct DecodeOptions {
  bool skip_special_tokens = true;
};

// Where a token stands when its text is asked for: SentencePiece drops the space of the first one.
enum class TokenPlace { kAlone, kInside };

class Tokenizer {
 public:
  // Reads tokenizer.json, and where present tokenizer_config.json, special_tokens_map.json,
  // chat_template.jinja and additional_chat_templates/*.jinja, from the folder of a model.
  // not_found names what was looked for.
  [[nodiscard]] static Result<std::shared_ptr<const Tokenizer>> load(
      const std::filesystem::path& model_dir);

  [[nodiscard]] static Result<std::shared_ptr<const Tokenizer>> from_json(
      std::string_view tokenizer_json, std::string_view tokenizer_config_json = "{}");

  ~Tokenizer();
  Tokenizer(const Tokenizer&) = delete;
  Tokenizer& operator=(const Tokenizer&) = delete;

  // `text` below 2 GiB. What is not UTF-8 in it counts as U+FFFD.
  [[nodiscard]] std::vector<TokenId> encode(std::string_view text,
                                            EncodeOptions options = {}) const;

  // Cuts `text` into pieces whose tokens do not depend on each other: encode(text) is encode() of
  // each piece in turn, without what the post-processor adds. A piece begins with an added token
  // that takes nothing of the text before it; it has at least `min_bytes` bytes where the text goes
  // on, and the cuts of a text stay where they are when it grows at its end. Special tokens in the
  // text count as such.
  [[nodiscard]] std::vector<std::string_view> independent_pieces(std::string_view text,
                                                                 std::size_t min_bytes) const;

  // Ids that no token has are skipped.
  [[nodiscard]] std::string decode(std::span<const TokenId> ids, DecodeOptions options = {}) const;

  // The text of one token by itself, special tokens included. A part of a character comes out as
  // its bytes, so the result need not be UTF-8. Empty for an id that no token has.
  [[nodiscard]] std::string token_text(TokenId id, TokenPlace place = TokenPlace::kAlone) const;

  // Tokens as they are written in the vocabulary.
  [[nodiscard]] std::optional<TokenId> token_to_id(std::string_view token) const;
  [[nodiscard]] std::optional<std::string_view> id_to_token(TokenId id) const;

  // The largest id + 1. A model's logits may have more rows than that (padding).
  [[nodiscard]] std::size_t vocab_size() const;
  [[nodiscard]] bool is_special(TokenId id) const;

  [[nodiscard]] const TokenizerConfig& config() const;

 private:
  friend class IncrementalDecoder;
  struct Parts;
  explicit Tokenizer(std::unique_ptr<const Parts> parts);

  std::unique_ptr<const Parts> parts_;
};

}  // namespace nacelle::tokenizer
