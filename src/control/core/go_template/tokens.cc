#include "control/core/go_template/tokens.h"

#include <charconv>
#include <cstdlib>

namespace nacelle::control::go_template {
namespace {

bool is_name(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
}

std::size_t end_of_name(std::string_view text, std::size_t from) {
  while (from < text.size() && is_name(text[from])) ++from;
  return from;
}

Result<kube::Json> number(std::string_view text) {
  std::int64_t whole = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), whole);
  if (error == std::errc{} && end == text.data() + text.size()) return kube::Json(whole);
  const std::string copy(text);
  char* stop = nullptr;
  const double value = std::strtod(copy.c_str(), &stop);
  if (stop != copy.c_str() + copy.size()) return invalid_argument("bad number {}", text);
  return kube::Json(value);
}

// A text in quotes; `at` stands on the opening one and ends behind the closing one.
Result<std::string> quoted(std::string_view text, std::size_t& at) {
  const char quote = text[at++];
  std::string out;
  for (; at < text.size() && text[at] != quote; ++at) {
    if (text[at] != '\\' || quote == '`') {
      out += text[at];
      continue;
    }
    if (++at == text.size()) break;
    switch (text[at]) {
      case 'n':
        out += '\n';
        break;
      case 't':
        out += '\t';
        break;
      case 'r':
        out += '\r';
        break;
      case '\\':
      case '"':
      case '\'':
        out += text[at];
        break;
      default:
        return invalid_argument("unknown escape \\{} in a text", text[at]);
    }
  }
  if (at >= text.size()) return invalid_argument("unterminated quoted string");
  ++at;
  return out;
}

}  // namespace

Result<std::vector<Token>> tokens_of(std::string_view action) {
  using Kind = Token::Kind;
  std::vector<Token> tokens;
  bool space = true;
  for (std::size_t at = 0; at < action.size();) {
    const char c = action[at];
    if (c == ' ' || c == '\t' || c == '\n' || c == '\r') {
      space = true;
      ++at;
      continue;
    }
    Token token{.text = "", .literal = {}, .attached = !space};
    space = false;
    const std::size_t from = at;
    if (c == '"' || c == '`') {
      token.kind = Kind::kLiteral;
      ASSIGN_OR_RETURN(std::string text, quoted(action, at));
      token.literal = std::move(text);
    } else if (c == '.') {
      at = end_of_name(action, at + 1);
      token.kind = at == from + 1 ? Kind::kDot : Kind::kField;
      token.text = std::string(action.substr(from + 1, at - from - 1));
    } else if (c == '$') {
      at = end_of_name(action, at + 1);
      token.kind = Kind::kVariable;
      token.text = std::string(action.substr(from, at - from));
    } else if ((c >= '0' && c <= '9') || c == '-' || c == '+') {
      ++at;
      while (at < action.size() && (is_name(action[at]) || action[at] == '.')) ++at;
      token.kind = Kind::kLiteral;
      ASSIGN_OR_RETURN(token.literal, number(action.substr(from, at - from)));
    } else if (is_name(c)) {
      at = end_of_name(action, at);
      token.text = std::string(action.substr(from, at - from));
      if (token.text == "true" || token.text == "false") {
        token.kind = Kind::kLiteral;
        token.literal = token.text == "true";
      } else if (token.text == "nil") {
        token.kind = Kind::kLiteral;
      }
    } else if (action.substr(at, 2) == ":=") {
      token.kind = Kind::kSign;
      token.text = ":=";
      at += 2;
    } else if (c == '(' || c == ')' || c == '|' || c == ',' || c == '=') {
      token.kind = Kind::kSign;
      token.text = std::string(1, c);
      ++at;
    } else {
      return invalid_argument("unexpected \"{}\" in an action", c);
    }
    tokens.push_back(std::move(token));
  }
  return tokens;
}

}  // namespace nacelle::control::go_template
