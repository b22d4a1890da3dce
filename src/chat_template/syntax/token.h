// token.h: what the lexer hands to the parser.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "chat_template/value/value.h"

namespace nacelle::chat_template {

enum class TokenKind : std::uint8_t {
  kData,  // text between tags
  kBlockBegin,
  kBlockEnd,
  kVariableBegin,
  kVariableEnd,
  kName,
  kString,
  kInteger,
  kFloat,
  kAdd,
  kSub,
  kMul,
  kDiv,
  kFloorDiv,
  kMod,
  kPow,
  kTilde,
  kLeftBracket,
  kRightBracket,
  kLeftParen,
  kRightParen,
  kLeftBrace,
  kRightBrace,
  kEqual,
  kNotEqual,
  kGreater,
  kGreaterEqual,
  kLess,
  kLessEqual,
  kAssign,
  kDot,
  kColon,
  kPipe,
  kComma,
  kSemicolon,
  kEnd,
};

struct Token {
  TokenKind kind = TokenKind::kEnd;
  int line = 1;
  std::string text;   // data, name, or the value of a string literal
  Int integer = 0;    // kInteger
  double number = 0;  // kFloat

  [[nodiscard]] bool is(TokenKind k) const { return kind == k; }
  [[nodiscard]] bool is_name(std::string_view name) const {
    return kind == TokenKind::kName && text == name;
  }
};

// The token as messages name it: "'}}'", "'end of template'", "'foo'".
[[nodiscard]] std::string describe(const Token& token);

}  // namespace nacelle::chat_template
