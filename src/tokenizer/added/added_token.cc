#include "tokenizer/added/added_token.h"

namespace nacelle::tokenizer {

Result<AddedToken> parse_added_token(const JsonNode& node) {
  AddedToken token;
  ASSIGN_OR_RETURN(const JsonNode content, node.member("content"));
  ASSIGN_OR_RETURN(const std::string_view text, content.string());
  token.content = text;
  ASSIGN_OR_RETURN(token.special, node.boolean_or("special", false));
  ASSIGN_OR_RETURN(token.single_word, node.boolean_or("single_word", false));
  ASSIGN_OR_RETURN(token.lstrip, node.boolean_or("lstrip", false));
  ASSIGN_OR_RETURN(token.rstrip, node.boolean_or("rstrip", false));
  ASSIGN_OR_RETURN(token.normalized, node.boolean_or("normalized", !token.special));
  return token;
}

}  // namespace nacelle::tokenizer
