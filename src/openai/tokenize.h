// tokenize.h: bodies of POST /tokenize and POST /detokenize.
//
// Source:  engine.md section 11.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/token.h"
#include "openai/chat_request.h"
#include "openai/error.h"

namespace nacelle::openai {

struct TokenizeRequest {
  std::optional<std::string> model;
  // Plain text, or a conversation that goes through the template.
  std::variant<std::string, TemplateFields> input;
  bool add_special_tokens = true;  // of plain text; a conversation has its own, false by default
  bool return_token_strs = false;
};

struct TokenizeResponse {
  std::int64_t max_model_len = 0;
  std::vector<TokenId> tokens;
  std::optional<std::vector<std::string>> token_strs;
};

struct DetokenizeRequest {
  std::optional<std::string> model;
  std::vector<std::int64_t> tokens;  // none negative
};

[[nodiscard]] Parsed<TokenizeRequest> parse_tokenize_request(std::string_view body,
                                                             const ChatPolicy& policy);
[[nodiscard]] Parsed<DetokenizeRequest> parse_detokenize_request(std::string_view body);

[[nodiscard]] std::string to_json(const TokenizeResponse& response);
[[nodiscard]] std::string detokenize_json(std::string_view prompt);

}  // namespace nacelle::openai
