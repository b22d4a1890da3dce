// added_token.h: a token that is found in the text before the model sees it.
#pragma once

#include <string>

#include "base/result.h"
#include "base/token.h"
#include "tokenizer/json/json_node.h"

namespace nacelle::tokenizer {

struct AddedToken {
  std::string content;
  // What stands for it in decoded text: `content` as the normalizer makes it when `normalized` is
  // set (tokenizers 0.23 does so). Filled in by AddedVocabulary::prepare.
  std::string text;
  TokenId id = -1;
  bool special = false;      // dropped by skip_special_tokens
  bool single_word = false;  // only between characters that are not part of a word
  bool lstrip = false;       // takes the white space before it along
  bool rstrip = false;       // and behind it
  bool normalized = true;    // looked for in the normalised text
};

// {"content": ..., "special": ..., ...} without the id. Used by tokenizer.json and by
// tokenizer_config.json.
[[nodiscard]] Result<AddedToken> parse_added_token(const JsonNode& node);

}  // namespace nacelle::tokenizer
