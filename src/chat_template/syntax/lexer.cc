#include "chat_template/syntax/lexer.h"

#include <algorithm>
#include <cstdlib>

#include "base/utf8.h"
#include "chat_template/syntax/string_literal.h"
#include "chat_template/text/python_string.h"
#include "chat_template/text/unicode.h"

namespace nacelle::chat_template {
namespace {

struct Operator {
  std::string_view text;
  TokenKind kind;
};

// Longer ones first.
constexpr Operator kOperators[] = {
    {"//", TokenKind::kFloorDiv},   {"**", TokenKind::kPow},          {"==", TokenKind::kEqual},
    {"!=", TokenKind::kNotEqual},   {">=", TokenKind::kGreaterEqual}, {"<=", TokenKind::kLessEqual},
    {"+", TokenKind::kAdd},         {"-", TokenKind::kSub},           {"/", TokenKind::kDiv},
    {"*", TokenKind::kMul},         {"%", TokenKind::kMod},           {"~", TokenKind::kTilde},
    {"[", TokenKind::kLeftBracket}, {"]", TokenKind::kRightBracket},  {"(", TokenKind::kLeftParen},
    {")", TokenKind::kRightParen},  {"{", TokenKind::kLeftBrace},     {"}", TokenKind::kRightBrace},
    {">", TokenKind::kGreater},     {"<", TokenKind::kLess},          {"=", TokenKind::kAssign},
    {".", TokenKind::kDot},         {":", TokenKind::kColon},         {"|", TokenKind::kPipe},
    {",", TokenKind::kComma},       {";", TokenKind::kSemicolon},
};

bool is_digit_char(char c) { return c >= '0' && c <= '9'; }

// \r\n and \r become \n, and one newline at the end goes.
std::string normalize(std::string_view source) {
  std::string out;
  out.reserve(source.size());
  for (std::size_t i = 0; i < source.size(); ++i) {
    if (source[i] == '\r') {
      out += '\n';
      if (i + 1 < source.size() && source[i + 1] == '\n') ++i;
    } else {
      out += source[i];
    }
  }
  if (!out.empty() && out.back() == '\n') out.pop_back();
  return out;
}

class Lexer {
 public:
  explicit Lexer(std::string_view source) : source_(normalize(source)) {}

  Result<std::vector<Token>> run() {
    while (pos_ < source_.size()) RETURN_IF_ERROR(root());
    push(TokenKind::kEnd);
    return std::move(tokens_);
  }

 private:
  [[nodiscard]] std::string_view rest() const { return std::string_view(source_).substr(pos_); }
  [[nodiscard]] bool at(std::string_view text) const { return rest().starts_with(text); }

  Status fail(std::string_view message) const {
    return invalid_argument("line {}: {}", line_, message);
  }

  void advance(std::size_t bytes) {
    const std::string_view passed = rest().substr(0, bytes);
    line_ += static_cast<int>(std::count(passed.begin(), passed.end(), '\n'));
    if (!passed.empty()) line_starting_ = passed.back() == '\n';
    pos_ += passed.size();
  }

  void skip_space() {
    const std::string_view before = rest();
    advance(before.size() - strip(before, Side::kLeft).size());
  }

  Token& push(TokenKind kind) {
    Token token;
    token.kind = kind;
    token.line = line_;
    tokens_.push_back(std::move(token));
    return tokens_.back();
  }

  void push_data(std::string_view text) {
    if (!text.empty()) push(TokenKind::kData).text = text;
  }

  // `text` in front of a tag that starts with `sign`.
  [[nodiscard]] std::string_view left_trimmed(std::string_view text, char sign,
                                              bool is_variable) const {
    if (sign == '-') return strip(text, Side::kRight);
    if (sign == '+' || is_variable) return text;
    const std::size_t newline = text.rfind('\n');
    const std::size_t line = newline == std::string_view::npos ? 0 : newline + 1;
    if (line == 0 && !line_starting_) return text;
    return strip(text.substr(line), Side::kLeft).empty() ? text.substr(0, line) : text;
  }

  // Text up to the next tag, then the tag.
  Status root() {
    const std::string_view text = rest();
    std::size_t tag = 0;
    while (true) {
      tag = text.find('{', tag);
      if (tag == std::string_view::npos || tag + 1 >= text.size()) {
        push_data(text);
        advance(text.size());
        return {};
      }
      const char next = text[tag + 1];
      if (next == '{' || next == '%' || next == '#') break;
      ++tag;
    }
    const char type = text[tag + 1];
    const char after = tag + 2 < text.size() ? text[tag + 2] : '\0';
    const char sign = after == '-' || after == '+' ? after : '\0';
    push_data(left_trimmed(text.substr(0, tag), sign, type == '{'));
    advance(tag + (sign == '\0' ? 2 : 3));
    switch (type) {
      case '#':
        return comment();
      case '{':
        push(TokenKind::kVariableBegin);
        return expression_tokens(/*is_block=*/false);
      default: {
        const std::size_t raw = raw_begin_length();
        if (raw != 0) return raw_block(raw);
        push(TokenKind::kBlockBegin);
        return expression_tokens(/*is_block=*/true);
      }
    }
  }

  // Passes the end of a block or comment tag, whose text is at `pos_`.
  bool pass_end(std::string_view end) {
    const std::string text(end);
    if (at("+" + text)) {
      advance(end.size() + 1);
      return true;
    }
    if (at("-" + text)) {
      advance(end.size() + 1);
      skip_space();
      return true;
    }
    if (!at(end)) return false;
    advance(end.size());
    if (at("\n")) advance(1);
    return true;
  }

  Status comment() {
    if (rest().empty()) return {};  // Jinja misses the end only when something follows
    const std::size_t end = rest().find("#}");
    if (end == std::string_view::npos) return fail("Missing end of comment tag");
    const std::string_view body = rest().substr(0, end);
    const bool has_sign = !body.empty() && (body.back() == '-' || body.back() == '+');
    advance(end - (has_sign ? 1 : 0));
    pass_end("#}");
    return {};
  }

  // Length of `raw %}` behind `{%`, with its white space; 0 when this is no raw tag.
  [[nodiscard]] std::size_t raw_begin_length() const {
    std::string_view text = strip(rest(), Side::kLeft);
    if (!text.starts_with("raw")) return 0;
    text = strip(text.substr(3), Side::kLeft);
    if (text.starts_with("-%}")) return rest().size() - strip(text.substr(3), Side::kLeft).size();
    if (text.starts_with("%}")) return rest().size() - text.size() + 2;
    return 0;
  }

  Status raw_block(std::size_t begin_length) {
    advance(begin_length);
    const std::string_view text = rest();
    for (std::size_t tag = text.find("{%"); tag != std::string_view::npos;
         tag = text.find("{%", tag + 1)) {
      const char after = tag + 2 < text.size() ? text[tag + 2] : '\0';
      const char sign = after == '-' || after == '+' ? after : '\0';
      std::string_view end = strip(text.substr(tag + (sign == '\0' ? 2 : 3)), Side::kLeft);
      if (!end.starts_with("endraw")) continue;
      end = strip(end.substr(6), Side::kLeft);
      if (!end.starts_with("%}") && !end.starts_with("-%}") && !end.starts_with("+%}")) continue;
      push_data(left_trimmed(text.substr(0, tag), sign, false));
      advance(text.size() - end.size());
      pass_end("%}");
      return {};
    }
    return text.empty() ? Status() : fail("Missing end of raw directive");
  }

  // The tokens of one tag and its end.
  Status expression_tokens(bool is_block) {
    std::string closers;  // what must close the brackets that are open
    while (pos_ < source_.size()) {
      if (closers.empty()) {
        if (is_block && pass_end("%}")) {
          push(TokenKind::kBlockEnd);
          return {};
        }
        if (!is_block && (at("}}") || at("-}}"))) {
          const bool strips = at("-");
          advance(strips ? 3 : 2);
          if (strips) skip_space();
          push(TokenKind::kVariableEnd);
          return {};
        }
      }
      RETURN_IF_ERROR(expression_token(closers));
    }
    return {};  // the parser sees the missing end
  }

  Status expression_token(std::string& closers) {
    const Utf8Char c = decode_utf8(source_, pos_);
    if (is_space(c.code_point)) {
      skip_space();
      return {};
    }
    if (c.code_point < 0x80 && is_digit_char(source_[pos_])) return number();
    if (c.code_point == '_' || is_alnum(c.code_point)) return name();
    if (c.code_point == '\'' || c.code_point == '"') return string();
    for (const auto& [text, kind] : kOperators) {
      if (!at(text)) continue;
      RETURN_IF_ERROR(balance(text[0], closers));
      push(kind);
      advance(text.size());
      return {};
    }
    return fail(fmt::format("unexpected char '{}'", rest().substr(0, c.length)));
  }

  Status balance(char c, std::string& closers) const {
    if (c == '(') closers += ')';
    if (c == '[') closers += ']';
    if (c == '{') closers += '}';
    if (c != ')' && c != ']' && c != '}') return {};
    if (closers.empty()) return fail(fmt::format("unexpected '{}'", c));
    if (closers.back() != c) {
      return fail(fmt::format("unexpected '{}', expected '{}'", c, closers.back()));
    }
    closers.pop_back();
    return {};
  }

  Status name() {
    std::size_t length = 0;
    while (pos_ + length < source_.size()) {
      const Utf8Char c = decode_utf8(source_, pos_ + length);
      if (c.code_point != '_' && !is_alnum(c.code_point)) break;
      length += c.length;
    }
    push(TokenKind::kName).text = rest().substr(0, length);
    advance(length);
    return {};
  }

  Status string() {
    const char quote = source_[pos_];
    std::size_t end = pos_ + 1;
    while (end < source_.size() && source_[end] != quote) end += source_[end] == '\\' ? 2 : 1;
    if (end >= source_.size()) return fail(fmt::format("unexpected char '{}'", quote));
    const std::string_view body = std::string_view(source_).substr(pos_ + 1, end - pos_ - 1);
    auto value = unescape_string(body);
    if (!value.has_value()) return fail(value.error().message());
    push(TokenKind::kString).text = std::move(*value);
    advance(body.size() + 2);
    return {};
  }

  // Digits with single underscores between them, from `from` on; the offset behind them.
  [[nodiscard]] std::size_t pass_digits(std::size_t from) const {
    std::size_t end = from;
    while (end < source_.size() &&
           (is_digit_char(source_[end]) ||
            (source_[end] == '_' && end > from && end + 1 < source_.size() &&
             is_digit_char(source_[end + 1])))) {
      ++end;
    }
    return end;
  }

  // Offset behind the float that starts here, or 0: digits, then a fraction or an exponent or both.
  [[nodiscard]] std::size_t float_end() const {
    if (pos_ > 0 && source_[pos_ - 1] == '.') return 0;
    std::size_t end = pass_digits(pos_);
    bool is_float = false;
    if (end < source_.size() && source_[end] == '.') {
      const std::size_t fraction = pass_digits(end + 1);
      if (fraction > end + 1) {
        end = fraction;
        is_float = true;
      }
    }
    if (end < source_.size() && (source_[end] == 'e' || source_[end] == 'E')) {
      std::size_t exponent = end + 1;
      if (exponent < source_.size() && (source_[exponent] == '+' || source_[exponent] == '-')) {
        ++exponent;
      }
      const std::size_t exponent_end = pass_digits(exponent);
      if (exponent_end > exponent) {
        end = exponent_end;
        is_float = true;
      }
    }
    return is_float ? end : 0;
  }

  Status number() {
    if (const std::size_t end = float_end(); end != 0) {
      std::string text = source_.substr(pos_, end - pos_);
      std::erase(text, '_');
      push(TokenKind::kFloat).number = std::strtod(text.c_str(), nullptr);
      advance(end - pos_);
      return {};
    }
    int base = 10;
    std::size_t start = pos_;
    if (source_[pos_] == '0' && pos_ + 2 < source_.size()) {
      const char marker = static_cast<char>(source_[pos_ + 1] | 0x20);
      const int marked = marker == 'x' ? 16 : marker == 'o' ? 8 : marker == 'b' ? 2 : 10;
      const std::size_t first = pos_ + (source_[pos_ + 2] == '_' ? 3 : 2);
      if (marked != 10 && first < source_.size() && digit_value(source_[first]) < marked) {
        base = marked;
        start = pos_ + 2;
      }
    }
    // A decimal that starts with 0 is only zeros; what follows is the next number.
    const bool only_zeros = base == 10 && source_[pos_] == '0';
    const int radix = only_zeros ? 1 : base;
    Int value = 0;
    std::size_t end = start;
    while (end < source_.size()) {
      std::size_t digit = end;
      if (source_[digit] == '_' && digit + 1 < source_.size() && (end > start || base != 10)) {
        ++digit;
      }
      const int next = digit_value(source_[digit]);
      if (next >= radix) break;
      if (__builtin_mul_overflow(value, Int{base}, &value) ||
          __builtin_add_overflow(value, Int{next}, &value)) {
        return fail("an integer does not fit in 128 bits");
      }
      end = digit + 1;
    }
    push(TokenKind::kInteger).integer = value;
    advance(end - pos_);
    return {};
  }

  static int digit_value(char c) {
    if (is_digit_char(c)) return c - '0';
    const char lower = static_cast<char>(c | 0x20);
    return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : 99;
  }

  std::string source_;
  std::size_t pos_ = 0;
  int line_ = 1;
  bool line_starting_ = true;
  std::vector<Token> tokens_;
};

}  // namespace

Result<std::vector<Token>> tokenize(std::string_view source) { return Lexer(source).run(); }

std::string describe(const Token& token) {
  switch (token.kind) {
    case TokenKind::kData:
      return "'text'";
    case TokenKind::kBlockBegin:
      return "'begin of statement block'";
    case TokenKind::kBlockEnd:
      return "'end of statement block'";
    case TokenKind::kVariableBegin:
      return "'begin of print statement'";
    case TokenKind::kVariableEnd:
      return "'end of print statement'";
    case TokenKind::kName:
      return "'" + token.text + "'";
    case TokenKind::kString:
      return "'string'";
    case TokenKind::kInteger:
      return "'integer'";
    case TokenKind::kFloat:
      return "'float'";
    case TokenKind::kEnd:
      return "'end of template'";
    default:
      break;
  }
  for (const auto& [text, kind] : kOperators) {
    if (kind == token.kind) return fmt::format("'{}'", text);
  }
  return "''";
}

}  // namespace nacelle::chat_template
