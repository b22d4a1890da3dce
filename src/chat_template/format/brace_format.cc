#include "chat_template/format/brace_format.h"

#include <algorithm>

#include "chat_template/eval/attributes.h"
#include "chat_template/eval/interpreter.h"
#include "chat_template/format/format_spec.h"
#include "chat_template/text/python_string.h"
#include "chat_template/value/print.h"

namespace nacelle::chat_template {
namespace {

bool is_number(std::string_view text) {
  return !text.empty() &&
         std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
}

class BraceFormatter {
 public:
  BraceFormatter(Interpreter& interpreter, const CallArgs& args, bool is_markup)
      : interpreter_(interpreter), args_(args), is_markup_(is_markup) {}

  // `depth` counts fields inside format specifications; Python allows one level.
  Result<std::string> run(std::string_view text, int depth) {
    if (depth > 2) return invalid_argument("a format specification is nested too deeply");
    std::string out;
    std::size_t pos = 0;
    while (pos < text.size()) {
      const char c = text[pos];
      if ((c == '{' || c == '}') && pos + 1 < text.size() && text[pos + 1] == c) {
        out += c;
        pos += 2;
      } else if (c == '}') {
        return invalid_argument("single '}}' in the format text");
      } else if (c == '{') {
        ASSIGN_OR_RETURN(const std::size_t end, find_end(text, pos + 1));
        ASSIGN_OR_RETURN(const std::string piece,
                         field(text.substr(pos + 1, end - pos - 1), depth));
        out += piece;
        pos = end + 1;
      } else {
        out += c;
        ++pos;
      }
      RETURN_IF_ERROR(interpreter_.runtime().reserve(out.size()));
    }
    RETURN_IF_ERROR(interpreter_.runtime().spend(text.size() / 16 + out.size() / 64));
    return out;
  }

 private:
  static Result<std::size_t> find_end(std::string_view text, std::size_t pos) {
    int depth = 1;
    bool in_brackets = false;
    for (; pos < text.size(); ++pos) {
      if (text[pos] == '[') in_brackets = true;
      if (text[pos] == ']') in_brackets = false;
      if (in_brackets) continue;
      if (text[pos] == '{') ++depth;
      if (text[pos] == '}' && --depth == 0) return pos;
    }
    return invalid_argument("expected '}}' before the end of the format text");
  }

  Result<std::string> field(std::string_view content, int depth) {
    RETURN_IF_ERROR(interpreter_.runtime().spend(1));
    std::size_t end = 0;
    bool in_brackets = false;
    while (end < content.size() && (in_brackets || (content[end] != '!' && content[end] != ':'))) {
      if (content[end] == '[') in_brackets = true;
      if (content[end] == ']') in_brackets = false;
      ++end;
    }
    const std::string_view name = content.substr(0, end);
    std::string_view rest = content.substr(end);
    char conversion = 0;
    if (!rest.empty() && rest[0] == '!') {
      if (rest.size() < 2 || (rest.size() > 2 && rest[2] != ':')) {
        return invalid_argument("expected ':' after the conversion of a format field");
      }
      conversion = rest[1];
      rest.remove_prefix(2);
    }
    if (!rest.empty()) rest.remove_prefix(1);
    ASSIGN_OR_RETURN(Value value, lookup(name));
    ASSIGN_OR_RETURN(const std::string spec, run(rest, depth + 1));
    Runtime& runtime = interpreter_.runtime();
    if (conversion != 0) {
      std::string text;
      if (conversion == 's') {
        RETURN_IF_ERROR(append_text(runtime, value, text));
      } else if (conversion == 'r' || conversion == 'a') {
        RETURN_IF_ERROR(append_repr(runtime, value, text));
      } else {
        return invalid_argument("unknown conversion '{}' in a format field", conversion);
      }
      value = make_string(runtime, std::move(text));
    }
    const bool is_safe = value.is_string() && value.string().is_markup();
    ASSIGN_OR_RETURN(std::string text, format_value(runtime, value, spec));
    return is_markup_ && !is_safe ? escape_html(text) : text;
  }

  Result<Value> lookup(std::string_view name) {
    const std::size_t end = std::min(name.find_first_of(".["), name.size());
    ASSIGN_OR_RETURN(Value value, first_value(name.substr(0, end)));
    std::string_view rest = name.substr(end);
    while (!rest.empty()) {
      if (rest[0] == '.') {
        const std::size_t stop = std::min(rest.find_first_of(".[", 1), rest.size());
        if (stop == 1) return invalid_argument("empty attribute in a format field");
        ASSIGN_OR_RETURN(value, get_attribute(interpreter_, value, rest.substr(1, stop - 1)));
        rest.remove_prefix(stop);
        continue;
      }
      const std::size_t close = rest.find(']');
      if (rest[0] != '[' || close == std::string_view::npos || close == 1) {
        return invalid_argument("malformed index in a format field");
      }
      const std::string_view key = rest.substr(1, close - 1);
      const bool is_index = is_number(key) && key.size() < 19;
      const Value index = is_index ? Value::integer(std::stoll(std::string(key)))
                                   : make_string(interpreter_.runtime(), key);
      ASSIGN_OR_RETURN(value, get_item(interpreter_, value, index));
      rest.remove_prefix(close + 1);
    }
    return value;
  }

  Result<Value> first_value(std::string_view name) {
    if (name.empty() || is_number(name)) {
      const bool is_manual = !name.empty();
      if (numbering_ != Numbering::kNone && is_manual != (numbering_ == Numbering::kManual)) {
        return invalid_argument("format fields are numbered partly by hand");
      }
      numbering_ = is_manual ? Numbering::kManual : Numbering::kAutomatic;
      if (name.size() > 9) return invalid_argument("a format field has no argument");
      const std::size_t index = is_manual ? std::stoul(std::string(name)) : next_++;
      if (index < args_.positional.size()) return args_.positional[index];
      return invalid_argument("a format field has no argument");
    }
    for (const auto& [key, value] : args_.named) {
      if (key == name) return value;
    }
    return invalid_argument("the format field '{}' has no argument", name);
  }

  enum class Numbering { kNone, kAutomatic, kManual };
  Interpreter& interpreter_;
  const CallArgs& args_;
  bool is_markup_;
  Numbering numbering_ = Numbering::kNone;
  std::size_t next_ = 0;
};

}  // namespace

Result<Value> format_braces(Interpreter& interpreter, const Value& format, const CallArgs& args) {
  const bool is_markup = format.string().is_markup();
  BraceFormatter formatter(interpreter, args, is_markup);
  ASSIGN_OR_RETURN(std::string text, formatter.run(format.text(), 0));
  return make_string(interpreter.runtime(), std::move(text), is_markup);
}

}  // namespace nacelle::chat_template
