// text_filters.cc: filters on text. Most turn other values into text first.
#include <algorithm>

#include "base/utf8.h"
#include "chat_template/eval/interpreter.h"
#include "chat_template/eval/methods.h"
#include "chat_template/filters/tables.h"
#include "chat_template/format/printf_format.h"
#include "chat_template/text/python_string.h"
#include "chat_template/text/unicode.h"
#include "chat_template/value/compare.h"
#include "chat_template/value/iterate.h"
#include "chat_template/value/print.h"

namespace nacelle::chat_template {
namespace {

// str(value); text (and markup) stays what it is.
Result<Value> soft_text(Interpreter& interpreter, const Value& value) {
  if (value.is_string()) return value;
  ASSIGN_OR_RETURN(std::string text, to_text(interpreter.runtime(), value));
  return make_string(interpreter.runtime(), std::move(text));
}

// The text method of the same name, on any value.
Result<Value> as_method(Interpreter& interpreter, const CallArgs& args, std::string_view name) {
  if (args.positional.empty()) return invalid_argument("{} needs a value", name);
  ASSIGN_OR_RETURN(const Value text, soft_text(interpreter, args.positional[0]));
  CallArgs rest{{args.positional.begin() + 1, args.positional.end()}, args.named};
  return find_method(Kind::kString, name)(interpreter, text, rest);
}

Result<Value> upper(Interpreter& interpreter, const CallArgs& args) {
  return as_method(interpreter, args, "upper");
}
Result<Value> lower(Interpreter& interpreter, const CallArgs& args) {
  return as_method(interpreter, args, "lower");
}
Result<Value> capitalized(Interpreter& interpreter, const CallArgs& args) {
  return as_method(interpreter, args, "capitalize");
}
Result<Value> trim(Interpreter& interpreter, const CallArgs& args) {
  ASSIGN_OR_RETURN(const BoundArgs bound, bind("trim", args, {"value", "chars"}, 1));
  const CallArgs call{{bound[0], bound.get(1, Value::none())}, {}};
  return as_method(interpreter, call, "strip");
}

Result<Value> center(Interpreter& interpreter, const CallArgs& args) {
  ASSIGN_OR_RETURN(const BoundArgs bound, bind("center", args, {"value", "width"}, 1));
  CallArgs call{{bound[0], bound.get(1, Value::integer(80))}, {}};
  return as_method(interpreter, call, "center");
}

// Words begin after white space and -({[<; the rest is in lower case.
Result<Value> title(Interpreter& interpreter, const CallArgs& args) {
  ASSIGN_OR_RETURN(const BoundArgs bound, bind("title", args, {"s"}, 1));
  ASSIGN_OR_RETURN(const Value value, soft_text(interpreter, bound[0]));
  const std::string& text = value.text();
  RETURN_IF_ERROR(interpreter.runtime().spend(text.size() / 16));
  const auto is_break = [](char32_t c) {
    return is_space(c) || c == '-' || c == '(' || c == '{' || c == '[' || c == '<';
  };
  std::string out;
  for (std::size_t pos = 0; pos < text.size();) {
    const Utf8Char c = decode_utf8(text, pos);
    if (is_break(c.code_point)) {
      out.append(text, pos, c.length);
      pos += c.length;
      continue;
    }
    append_upper(c.code_point, out);
    const std::size_t start = pos + c.length;
    std::size_t end = start;
    while (end < text.size() && !is_break(decode_utf8(text, end).code_point)) {
      end += decode_utf8(text, end).length;
    }
    out += to_lower(std::string_view(text).substr(start, end - start));
    pos = end;
  }
  return make_string(interpreter.runtime(), std::move(out));
}

Result<Value> replace(Interpreter& interpreter, const CallArgs& args) {
  ASSIGN_OR_RETURN(const BoundArgs bound, bind("replace", args, {"s", "old", "new", "count"}, 3));
  CallArgs call;
  std::string self;
  RETURN_IF_ERROR(append_text(interpreter.runtime(), bound[0], self));
  for (std::size_t i = 1; i < 3; ++i) {
    std::string text;
    RETURN_IF_ERROR(append_text(interpreter.runtime(), bound[i], text));
    call.positional.push_back(make_string(interpreter.runtime(), std::move(text)));
  }
  if (bound.has(3) && !bound[3].is_none()) call.positional.push_back(bound[3]);
  const Value plain = make_string(interpreter.runtime(), std::move(self));
  return find_method(Kind::kString, "replace")(interpreter, plain, call);
}

Result<Value> string(Interpreter& interpreter, const CallArgs& args) {
  ASSIGN_OR_RETURN(const BoundArgs bound, bind("string", args, {"s"}, 1));
  return soft_text(interpreter, bound[0]);
}

Result<Value> format(Interpreter& interpreter, const CallArgs& args) {
  if (args.positional.empty()) return invalid_argument("format needs a value");
  if (args.positional.size() > 1 && !args.named.empty()) {
    return invalid_argument("can't handle positional and keyword arguments at the same time");
  }
  Runtime& runtime = interpreter.runtime();
  ASSIGN_OR_RETURN(const Value text, soft_text(interpreter, args.positional[0]));
  if (args.named.empty()) {
    return format_printf(interpreter, text,
                         make_tuple(runtime, {args.positional.begin() + 1, args.positional.end()}));
  }
  const Value named = make_dict(runtime);
  for (const auto& [name, value] : args.named) {
    RETURN_IF_ERROR(named.dict().set(make_string(runtime, name), value));
  }
  return format_printf(interpreter, text, named);
}

Result<Value> indent(Interpreter& interpreter, const CallArgs& args) {
  ASSIGN_OR_RETURN(const BoundArgs bound,
                   bind("indent", args, {"s", "width", "first", "blank"}, 1));
  ASSIGN_OR_RETURN(const std::string_view given, to_string_view("the value of indent", bound[0]));
  Runtime& runtime = interpreter.runtime();
  std::string margin(4, ' ');
  if (bound.has(1) && bound[1].is_string()) {
    margin = bound[1].text();
  } else if (bound.has(1)) {
    ASSIGN_OR_RETURN(const long width, to_long("the width", bound[1]));
    const auto spaces = static_cast<std::size_t>(std::max<long>(width, 0));
    RETURN_IF_ERROR(runtime.reserve(spaces));
    margin.assign(spaces, ' ');
  }
  const bool indents_blank = bound.flag(3, false);
  std::string out = bound.flag(2, false) ? margin : "";
  // A newline at the end makes a last line that is empty.
  const std::string text = std::string(given) + "\n";
  RETURN_IF_ERROR(runtime.reserve(most_pieces(text, std::nullopt), 2 * sizeof(std::string_view)));
  const auto lines = split_lines(text, false);
  RETURN_IF_ERROR(runtime.reserve(lines.size(), margin.size()));
  RETURN_IF_ERROR(
      runtime.spend(lines.size() + text.size() / 16 + lines.size() * margin.size() / 64));
  for (std::size_t i = 0; i < lines.size(); ++i) {
    if (i > 0) {
      out += '\n';
      if (indents_blank || !lines[i].empty()) out += margin;
    }
    out += lines[i];
  }
  return make_string(runtime, std::move(out), bound[0].string().is_markup());
}

Result<Value> truncate(Interpreter& interpreter, const CallArgs& args) {
  ASSIGN_OR_RETURN(const BoundArgs bound,
                   bind("truncate", args, {"s", "length", "killwords", "end", "leeway"}, 1));
  ASSIGN_OR_RETURN(const Int length, bound.integer(1, 255));
  std::string_view end = "...";
  if (bound.has(3)) {
    ASSIGN_OR_RETURN(end, to_string_view("the end of truncate", bound[3]));
  }
  Int leeway = 5;
  if (bound.has(4) && !bound[4].is_none()) {
    ASSIGN_OR_RETURN(leeway, bound.integer(4, 5));
  }
  const auto end_length = static_cast<Int>(utf8_length(end));
  if (length < end_length || leeway < 0) return invalid_argument("truncate: length is too small");
  // Anything with a length that is short enough passes.
  const auto size = length_of(bound[0]);
  if (size && static_cast<Int>(*size) - leeway <= length) return bound[0];
  ASSIGN_OR_RETURN(const std::string_view text, to_string_view("the value of truncate", bound[0]));
  std::string_view kept =
      text.substr(0, byte_offset(text, static_cast<std::size_t>(length - end_length)));
  if (!bound.flag(2, false)) {
    const std::size_t space = kept.rfind(' ');
    if (space != std::string_view::npos) kept = kept.substr(0, space);
  }
  return make_string(interpreter.runtime(), std::string(kept) + std::string(end));
}

Result<Value> wordcount(Interpreter& interpreter, const CallArgs& args) {
  ASSIGN_OR_RETURN(const BoundArgs bound, bind("wordcount", args, {"s"}, 1));
  ASSIGN_OR_RETURN(const Value value, soft_text(interpreter, bound[0]));
  const std::string& text = value.text();
  RETURN_IF_ERROR(interpreter.runtime().spend(text.size() / 16));
  Int words = 0;
  bool in_word = false;
  for (std::size_t pos = 0; pos < text.size();) {
    const Utf8Char c = decode_utf8(text, pos);
    const bool is_word = is_alnum(c.code_point) || c.code_point == '_';
    if (is_word && !in_word) ++words;
    in_word = is_word;
    pos += c.length;
  }
  return Value::integer(words);
}

constexpr FilterEntry kFilters[] = {
    {"capitalize", &capitalized}, {"center", &center}, {"format", &format},
    {"indent", &indent},          {"lower", &lower},   {"replace", &replace},
    {"string", &string},          {"title", &title},   {"trim", &trim},
    {"truncate", &truncate},      {"upper", &upper},   {"wordcount", &wordcount},
};

}  // namespace

std::span<const FilterEntry> text_filters() { return kFilters; }

}  // namespace nacelle::chat_template
