#include "chat_template/syntax/lexer.h"

#include <gtest/gtest.h>

namespace nacelle::chat_template {
namespace {

// The tokens of `source` as "kind:text" words.
std::string words(std::string_view source) {
  const auto tokens = tokenize(source);
  if (!tokens.has_value()) return "error: " + tokens.error().message();
  std::string out;
  for (const Token& token : *tokens) {
    if (!out.empty()) out += ' ';
    switch (token.kind) {
      case TokenKind::kData:
        out += "data[" + token.text + "]";
        break;
      case TokenKind::kName:
        out += token.text;
        break;
      case TokenKind::kString:
        out += "'" + token.text + "'";
        break;
      case TokenKind::kInteger:
        out += fmt::format("{}", token.integer);
        break;
      case TokenKind::kFloat:
        out += fmt::format("{:.3f}", token.number);
        break;
      case TokenKind::kBlockBegin:
        out += "{%";
        break;
      case TokenKind::kBlockEnd:
        out += "%}";
        break;
      case TokenKind::kVariableBegin:
        out += "{{";
        break;
      case TokenKind::kVariableEnd:
        out += "}}";
        break;
      case TokenKind::kEnd:
        out += "end";
        break;
      default:
        out += describe(token);
    }
  }
  return out;
}

struct Case {
  const char* says;
  const char* source;
  const char* tokens;
};

TEST(Lexer, TokensOfSource) {
  const Case cases[] = {
      {"nothing", "", "end"},
      {"one newline at the end goes", "a\n\n", "data[a\n] end"},
      {"line ends become \\n", "a\r\nb\rc", "data[a\nb\nc] end"},
      {"a print tag", "a{{ b }}c", "data[a] {{ b }} data[c] end"},
      {"minus strips both sides", "a \n{{- b -}} \n c", "data[a] {{ b }} data[c] end"},
      {"lstrip and trim around a block", "a\n  {% b %}\nc", "data[a\n] {% b %} data[c] end"},
      {"text before a block on its line stays", "a  {% b %}", "data[a  ] {% b %} end"},
      {"plus keeps the space before", "\n  {%+ b %}", "data[\n  ] {% b %} end"},
      {"plus keeps the newline after", "{% b +%}\nc", "{% b %} data[\nc] end"},
      {"print tags are not trimmed", "  {{ b }}\nc", "data[  ] {{ b }} data[\nc] end"},
      {"comments vanish with their newline", "  {# x #}\nb", "data[b] end"},
      {"a comment that strips", "a {#- x -#} b", "data[a] data[b] end"},
      {"raw text is data", "{% raw %}{{ x }}{% endraw %}", "data[{{ x }}] end"},
      {"brackets keep }} apart", "{{ {'a':{}} }}", "{{ '{' 'a' ':' '{' '}' '}' }} end"},
      {"numbers", "{{ 1_0 0x1f 0b11 1.5 2e3 a.0.1 }}",
       "{{ 10 31 3 1.500 2000.000 a '.' 0 '.' 1 }} end"},
      {"escapes", "{{ 'a\\n\\x41\\u00e9\\d' }}", "{{ 'a\nA\u00e9\\d' }} end"},
      {"long operators first", "{{ a//b**c<=d }}", "{{ a '//' b '**' c '<=' d }} end"},
  };
  for (const auto& [says, source, tokens] : cases) {
    SCOPED_TRACE(says);
    EXPECT_EQ(words(source), tokens);
  }
}

TEST(Lexer, ErrorsNameTheLine) {
  const Case cases[] = {
      {"comment without end", "a\n{# b", "error: line 2: Missing end of comment tag"},
      {"raw without end", "{% raw %}\nb", "error: line 1: Missing end of raw directive"},
      {"odd character", "\n\n{{ ? }}", "error: line 3: unexpected char '?'"},
      {"open string", "{{ 'a }}", "error: line 1: unexpected char '''"},
      {"wrong bracket", "{{ (] }}", "error: line 1: unexpected ']', expected ')'"},
      {"bracket never opened", "{{ ) }}", "error: line 1: unexpected ')'"},
      {"cut escape", "{{ '\\x4' }}", "error: line 1: truncated escape in a string"},
      {"surrogate", "{{ '\\ud800' }}", "error: line 1: an escape in a string is not a character"},
      {"huge integer", "{{ 999999999999999999999999999999999999999999 }}",
       "error: line 1: an integer does not fit in 128 bits"},
  };
  for (const auto& [says, source, message] : cases) {
    SCOPED_TRACE(says);
    EXPECT_EQ(words(source), message);
  }
}

}  // namespace
}  // namespace nacelle::chat_template
