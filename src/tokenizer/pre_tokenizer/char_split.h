// char_split.h: pre-tokenizers that split at characters of a class: Digits, Punctuation,
// Whitespace, WhitespaceSplit, CharDelimiterSplit and BertPreTokenizer.
#pragma once

#include "tokenizer/pre_tokenizer/pre_tokenizer.h"

namespace nacelle::tokenizer {

[[nodiscard]] Result<std::unique_ptr<PreTokenizer>> make_digits(const JsonNode& node);
[[nodiscard]] Result<std::unique_ptr<PreTokenizer>> make_punctuation(const JsonNode& node);
[[nodiscard]] Result<std::unique_ptr<PreTokenizer>> make_char_delimiter(const JsonNode& node);
[[nodiscard]] std::unique_ptr<PreTokenizer> make_whitespace();
[[nodiscard]] std::unique_ptr<PreTokenizer> make_whitespace_split();
[[nodiscard]] std::unique_ptr<PreTokenizer> make_bert_pre_tokenizer();

}  // namespace nacelle::tokenizer
