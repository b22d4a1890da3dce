#include "chat_template/format/printf_format.h"

#include <cmath>

#include "base/utf8.h"
#include "chat_template/eval/call_args.h"
#include "chat_template/eval/interpreter.h"
#include "chat_template/format/number_format.h"
#include "chat_template/text/python_string.h"
#include "chat_template/value/compare.h"
#include "chat_template/value/print.h"

namespace nacelle::chat_template {
namespace {

struct Directive {
  bool left = false, plus = false, space = false, alternate = false, zero = false;
  long width = 0;
  long precision = -1;
  char type = 0;
};

class PrintfFormatter {
 public:
  PrintfFormatter(Interpreter& interpreter, const Value& format, const Value& values)
      : runtime_(interpreter.runtime()), format_(format), values_(values) {}

  Result<Value> run() {
    const std::string& text = format_.text();
    std::size_t pos = 0;
    while (pos < text.size()) {
      const std::size_t percent = std::min(text.find('%', pos), text.size());
      out_.append(text, pos, percent - pos);
      pos = percent;
      if (pos >= text.size()) break;
      RETURN_IF_ERROR(directive(text, ++pos));
      RETURN_IF_ERROR(runtime_.spend(1));
      RETURN_IF_ERROR(runtime_.reserve(out_.size()));
    }
    const bool is_mapping = values_.is(Kind::kDict) || values_.is(Kind::kList) ||
                            values_.is(Kind::kRange) || values_.is_undefined();
    const std::size_t given = values_.is(Kind::kTuple) ? values_.list().items.size() : 1;
    if (!is_mapping && next_ < given) {
      return invalid_argument("not all arguments were used by the format text");
    }
    return make_string(runtime_, std::move(out_), format_.string().is_markup());
  }

 private:
  Result<Value> next_value() {
    if (values_.is(Kind::kTuple)) {
      if (next_ < values_.list().items.size()) return values_.list().items[next_++];
    } else if (next_ == 0) {
      ++next_;
      return values_;
    }
    return invalid_argument("not enough arguments for the format text");
  }

  Result<long> number(const std::string& text, std::size_t& pos) {
    if (pos < text.size() && text[pos] == '*') {
      ++pos;
      ASSIGN_OR_RETURN(const Value value, next_value());
      return to_long("a format width", value);
    }
    long result = 0;
    while (pos < text.size() && text[pos] >= '0' && text[pos] <= '9') {
      result = result * 10 + (text[pos++] - '0');
      if (result > (1L << 32)) return out_of_range("a format width of {} is too large", result);
    }
    return result;
  }

  // One directive; `pos` is behind its percent sign.
  Status directive(const std::string& text, std::size_t& pos) {
    Directive d;
    Value value;
    bool has_value = false;
    if (pos < text.size() && text[pos] == '(') {
      ASSIGN_OR_RETURN(value, named_value(text, pos));
      has_value = true;
    }
    for (bool more = true; more && pos < text.size();) {
      switch (text[pos]) {
        case '-':
          d.left = true;
          break;
        case '+':
          d.plus = true;
          break;
        case ' ':
          d.space = true;
          break;
        case '#':
          d.alternate = true;
          break;
        case '0':
          d.zero = true;
          break;
        default:
          more = false;
      }
      if (more) ++pos;
    }
    ASSIGN_OR_RETURN(d.width, number(text, pos));
    if (d.width < 0) {
      d.left = true;
      d.width = -d.width;
    }
    if (pos < text.size() && text[pos] == '.') {
      ++pos;
      ASSIGN_OR_RETURN(const long precision, number(text, pos));
      d.precision = precision < 0 ? 0 : precision;
    }
    while (pos < text.size() && (text[pos] == 'l' || text[pos] == 'h' || text[pos] == 'L')) ++pos;
    if (pos >= text.size()) return invalid_argument("incomplete format");
    d.type = text[pos++];
    if (d.type == '%') {
      out_ += '%';
      return {};
    }
    if (!has_value) {
      ASSIGN_OR_RETURN(value, next_value());
    }
    return convert(d, value);
  }

  Result<Value> named_value(const std::string& text, std::size_t& pos) {
    if (!values_.is(Kind::kDict)) return invalid_argument("the format text needs a mapping");
    int depth = 1;
    const std::size_t start = ++pos;
    while (pos < text.size() && depth > 0) {
      if (text[pos] == '(') ++depth;
      if (text[pos] == ')') --depth;
      ++pos;
    }
    if (depth > 0) return invalid_argument("incomplete format key");
    const std::string_view key = std::string_view(text).substr(start, pos - 1 - start);
    const Value* found = values_.dict().find(key);
    if (found == nullptr) return invalid_argument("the mapping has no key '{}'", key);
    next_ = 1;
    return *found;
  }

  Status convert(const Directive& d, const Value& value) {
    switch (d.type) {
      case 's': {
        ASSIGN_OR_RETURN(std::string text, to_text(runtime_, value));
        const bool is_safe = value.is_string() && value.string().is_markup();
        if (format_.string().is_markup() && !is_safe) text = escape_html(text);
        return emit_text(d, std::move(text));
      }
      case 'r':
      case 'a': {
        std::string text;
        RETURN_IF_ERROR(append_repr(runtime_, value, text));
        if (format_.string().is_markup()) text = escape_html(text);
        return emit_text(d, std::move(text));
      }
      case 'c':
        return character(d, value);
      case 'd':
      case 'i':
      case 'u':
      case 'x':
      case 'X':
      case 'o':
        return integer(d, value);
      case 'e':
      case 'E':
      case 'f':
      case 'F':
      case 'g':
      case 'G':
        return floating(d, value);
      default:
        return invalid_argument("unsupported format character '{}'", d.type);
    }
  }

  Status character(const Directive& d, const Value& value) {
    std::string text;
    if (value.is_string() && value.string().length() == 1) {
      text = value.text();
    } else if (value.is_integral() && value.as_int() >= 0 && value.as_int() <= 0x10FFFF &&
               (value.as_int() < 0xD800 || value.as_int() > 0xDFFF)) {
      append_utf8(text, static_cast<char32_t>(value.as_int()));
    } else {
      return invalid_argument("%c needs one character or its code");
    }
    return emit_text(d, std::move(text));
  }

  Status integer(const Directive& d, const Value& value) {
    const bool is_decimal = d.type == 'd' || d.type == 'i' || d.type == 'u';
    if (value.is_undefined()) return undefined_error(value);
    Int number = 0;
    if (value.is_integral()) {
      number = value.as_int();
    } else if (value.is(Kind::kFloat) && is_decimal && std::fabs(value.as_double()) < 1e38) {
      number = static_cast<Int>(value.as_double());
    } else {
      return invalid_argument("%{} needs an integer, not '{}'", d.type, kind_name(value));
    }
    const bool is_hex = d.type == 'x' || d.type == 'X';
    std::string digits = digits_of(number, is_decimal ? 10 : is_hex ? 16 : 8);
    if (d.type == 'X') {
      for (char& c : digits) c = static_cast<char>(c >= 'a' ? c - 32 : c);
    }
    if (d.precision > kMaxPrecision) return out_of_range("a precision is too large");
    while (static_cast<long>(digits.size()) < d.precision) digits.insert(0, 1, '0');
    std::string prefix;
    if (d.alternate && !is_decimal) prefix = std::string("0") + (is_hex ? d.type : 'o');
    return emit_number(d, number < 0, prefix, digits);
  }

  Status floating(const Directive& d, const Value& value) {
    if (value.is_undefined()) return undefined_error(value);
    if (!value.is_number()) {
      return invalid_argument("%{} needs a number, not '{}'", d.type, kind_name(value));
    }
    if (d.precision > kMaxPrecision) return out_of_range("a precision is too large");
    const double number = value.as_double();
    return emit_number(
        d, std::signbit(number) && !std::isnan(number), "",
        float_digits(number, d.type, d.precision < 0 ? 6 : d.precision, d.alternate));
  }

  Status emit_number(const Directive& d, bool is_negative, const std::string& prefix,
                     const std::string& digits) {
    const std::string sign = is_negative ? "-" : d.plus ? "+" : d.space ? " " : "";
    const std::size_t length = sign.size() + prefix.size() + digits.size();
    const auto width = static_cast<std::size_t>(d.width);
    const std::size_t missing = width > length ? width - length : 0;
    RETURN_IF_ERROR(runtime_.reserve(missing));
    if (!d.left && !d.zero) out_.append(missing, ' ');
    out_ += sign;
    out_ += prefix;
    if (!d.left && d.zero) out_.append(missing, '0');
    out_ += digits;
    if (d.left) out_.append(missing, ' ');
    return {};
  }

  Status emit_text(const Directive& d, std::string text) {
    if (d.precision >= 0) text.resize(byte_offset(text, static_cast<std::size_t>(d.precision)));
    const std::size_t length = utf8_length(text);
    const auto width = static_cast<std::size_t>(d.width);
    const std::size_t missing = width > length ? width - length : 0;
    RETURN_IF_ERROR(runtime_.reserve(missing));
    if (!d.left) out_.append(missing, ' ');
    out_ += text;
    if (d.left) out_.append(missing, ' ');
    return {};
  }

  Runtime& runtime_;
  const Value& format_;
  const Value& values_;
  std::size_t next_ = 0;
  std::string out_;
};

}  // namespace

Result<Value> format_printf(Interpreter& interpreter, const Value& format, const Value& values) {
  return PrintfFormatter(interpreter, format, values).run();
}

}  // namespace nacelle::chat_template
