// text_methods.cc: the methods of text.
#include <algorithm>
#include <iterator>

#include "base/utf8.h"
#include "chat_template/eval/interpreter.h"
#include "chat_template/eval/methods.h"
#include "chat_template/format/brace_format.h"
#include "chat_template/text/python_string.h"
#include "chat_template/text/unicode.h"
#include "chat_template/value/compare.h"
#include "chat_template/value/iterate.h"

namespace nacelle::chat_template {
namespace {

// A result of the same flavour (plain or markup) as `self`, paid for by its size.
Result<Value> like(Interpreter& interpreter, const Value& self, std::string text) {
  RETURN_IF_ERROR(interpreter.runtime().spend(self.text().size() / 64));
  return make_string(interpreter.runtime(), std::move(text), self.string().is_markup());
}

template <std::string (*convert)(std::string_view)>
Result<Value> converted(Interpreter& interpreter, const Value& self, const CallArgs& args) {
  RETURN_IF_ERROR(bind_positions("this method", args, {}, 0).status());
  RETURN_IF_ERROR(interpreter.runtime().spend(self.text().size() / 16));
  return like(interpreter, self, convert(self.text()));
}

template <Side side>
Result<Value> stripped(Interpreter& interpreter, const Value& self, const CallArgs& args) {
  ASSIGN_OR_RETURN(const BoundArgs bound, bind_positions("strip", args, {"chars"}, 0));
  std::optional<std::string_view> chars;
  if (bound.has(0) && !bound[0].is_none()) {
    ASSIGN_OR_RETURN(chars, to_string_view("the characters to strip", bound[0]));
    RETURN_IF_ERROR(
        interpreter.runtime().spend(self.text().size() / 64 * (1 + chars->size() / 64)));
  }
  return like(interpreter, self, std::string(strip(self.text(), side, chars)));
}

// Room for the pieces of a text, before it is split.
Status reserve_pieces(Runtime& runtime, std::string_view text,
                      std::optional<std::string_view> separator) {
  RETURN_IF_ERROR(runtime.spend(text.size() / 16));
  constexpr std::size_t kPieceBytes =
      2 * sizeof(std::string_view) + sizeof(Value) + sizeof(StringObject);
  return runtime.reserve(most_pieces(text, separator), kPieceBytes);
}

Result<Value> list_of(Interpreter& interpreter, const Value& self,
                      const std::vector<std::string_view>& pieces) {
  Runtime& runtime = interpreter.runtime();
  RETURN_IF_ERROR(runtime.spend(pieces.size() + self.text().size() / 64));
  std::vector<Value> items;
  items.reserve(pieces.size());
  for (const std::string_view piece : pieces) {
    items.push_back(make_string(runtime, piece, self.string().is_markup()));
  }
  return make_list(runtime, std::move(items));
}

template <Side from>
Result<Value> split_text(Interpreter& interpreter, const Value& self, const CallArgs& args) {
  ASSIGN_OR_RETURN(const BoundArgs bound, bind("split", args, {"sep", "maxsplit"}, 0));
  std::optional<std::string_view> separator;
  if (bound.has(0) && !bound[0].is_none()) {
    ASSIGN_OR_RETURN(separator, to_string_view("the separator", bound[0]));
    if (separator->empty()) return invalid_argument("empty separator");
  }
  long max_splits = -1;
  if (bound.has(1)) {
    ASSIGN_OR_RETURN(max_splits, to_long("maxsplit", bound[1]));
  }
  RETURN_IF_ERROR(reserve_pieces(interpreter.runtime(), self.text(), separator));
  return list_of(interpreter, self, split(self.text(), separator, max_splits, from));
}

Result<Value> split_into_lines(Interpreter& interpreter, const Value& self, const CallArgs& args) {
  ASSIGN_OR_RETURN(const BoundArgs bound, bind("splitlines", args, {"keepends"}, 0));
  RETURN_IF_ERROR(reserve_pieces(interpreter.runtime(), self.text(), std::nullopt));
  return list_of(interpreter, self, split_lines(self.text(), bound.flag(0, false)));
}

// The part of `self` that the arguments start and end select, for find() and its like.
struct Part {
  std::string_view text;
  std::size_t first_character;
  bool is_valid;  // false when start lies behind the end
};

Result<Part> select_part(const Value& self, const BoundArgs& bound, std::size_t first_argument) {
  const std::string& text = self.text();
  const auto length = static_cast<Int>(self.string().length());
  Int start = 0;
  Int end = length;
  if (bound.has(first_argument) && !bound[first_argument].is_none()) {
    ASSIGN_OR_RETURN(start, bound.integer(first_argument, 0));
  }
  if (bound.has(first_argument + 1) && !bound[first_argument + 1].is_none()) {
    ASSIGN_OR_RETURN(end, bound.integer(first_argument + 1, 0));
  }
  if (start < 0) start = std::max<Int>(start + length, 0);
  if (end < 0) end = std::max<Int>(end + length, 0);
  end = std::min(end, length);
  if (start > end) return Part{{}, 0, false};
  const auto from = static_cast<std::size_t>(start);
  const std::size_t first_byte = byte_offset(text, from);
  const std::size_t last_byte = first_byte + byte_offset(std::string_view(text).substr(first_byte),
                                                         static_cast<std::size_t>(end - start));
  return Part{std::string_view(text).substr(first_byte, last_byte - first_byte), from, true};
}

// Character index of the needle in the selected part, or -1.
Result<Int> locate(Interpreter& interpreter, const Value& self, const CallArgs& args, bool last) {
  ASSIGN_OR_RETURN(const BoundArgs bound, bind_positions("find", args, {"sub", "start", "end"}, 1));
  ASSIGN_OR_RETURN(const std::string_view needle, to_string_view("the text to find", bound[0]));
  RETURN_IF_ERROR(interpreter.runtime().spend(self.text().size() / 16));
  ASSIGN_OR_RETURN(const Part part, select_part(self, bound, 1));
  if (!part.is_valid) return -1;
  const std::size_t at = last ? rfind_text(part.text, needle) : find_text(part.text, needle);
  if (at == std::string_view::npos) return -1;
  return static_cast<Int>(part.first_character + utf8_length(part.text.substr(0, at)));
}

template <bool last, bool must_exist>
Result<Value> found_at(Interpreter& interpreter, const Value& self, const CallArgs& args) {
  ASSIGN_OR_RETURN(const Int at, locate(interpreter, self, args, last));
  if (must_exist && at < 0) return invalid_argument("substring not found");
  return Value::integer(at);
}

Result<Value> counted(Interpreter& interpreter, const Value& self, const CallArgs& args) {
  ASSIGN_OR_RETURN(const BoundArgs bound,
                   bind_positions("count", args, {"sub", "start", "end"}, 1));
  ASSIGN_OR_RETURN(const std::string_view needle, to_string_view("the text to count", bound[0]));
  RETURN_IF_ERROR(interpreter.runtime().spend(self.text().size() / 16));
  ASSIGN_OR_RETURN(const Part part, select_part(self, bound, 1));
  return Value::integer(part.is_valid ? static_cast<Int>(count_text(part.text, needle)) : 0);
}

template <bool at_start>
Result<Value> affix_matches(Interpreter& interpreter, const Value& self, const CallArgs& args) {
  ASSIGN_OR_RETURN(const BoundArgs bound,
                   bind_positions("startswith", args, {"prefix", "start", "end"}, 1));
  ASSIGN_OR_RETURN(const Part part, select_part(self, bound, 1));
  RETURN_IF_ERROR(interpreter.runtime().spend(self.text().size() / 64));
  const auto matches = [&](std::string_view affix) {
    return part.is_valid && (at_start ? part.text.starts_with(affix) : part.text.ends_with(affix));
  };
  if (!bound[0].is(Kind::kTuple)) {
    ASSIGN_OR_RETURN(const std::string_view affix, to_string_view("the prefix", bound[0]));
    return Value::boolean(matches(affix));
  }
  for (const Value& item : bound[0].list().items) {
    ASSIGN_OR_RETURN(const std::string_view affix, to_string_view("the prefix", item));
    if (matches(affix)) return Value::boolean(true);
  }
  return Value::boolean(false);
}

template <bool at_start>
Result<Value> affix_removed(Interpreter& interpreter, const Value& self, const CallArgs& args) {
  ASSIGN_OR_RETURN(const BoundArgs bound, bind_positions("removeprefix", args, {"prefix"}, 1));
  ASSIGN_OR_RETURN(const std::string_view affix, to_string_view("the prefix", bound[0]));
  std::string_view text = self.text();
  if (at_start && text.starts_with(affix)) text.remove_prefix(affix.size());
  if (!at_start && text.ends_with(affix)) text.remove_suffix(affix.size());
  return like(interpreter, self, std::string(text));
}

Result<Value> replaced(Interpreter& interpreter, const Value& self, const CallArgs& args) {
  ASSIGN_OR_RETURN(const BoundArgs bound, bind("replace", args, {"old", "new", "count"}, 2));
  ASSIGN_OR_RETURN(const std::string_view from, to_string_view("the old text", bound[0]));
  ASSIGN_OR_RETURN(std::string_view to, to_string_view("the new text", bound[1]));
  long count = -1;
  if (bound.has(2)) {
    ASSIGN_OR_RETURN(count, to_long("count", bound[2]));
  }
  std::string escaped;
  if (self.string().is_markup() && !bound[1].string().is_markup()) {
    escaped = escape_html(to);
    to = escaped;
  }
  Runtime& runtime = interpreter.runtime();
  RETURN_IF_ERROR(runtime.spend(self.text().size() / 32));
  const std::size_t hits = count_text(self.text(), from);
  const std::size_t times = count < 0 ? hits : std::min(hits, static_cast<std::size_t>(count));
  RETURN_IF_ERROR(runtime.reserve(times, to.size()));
  return like(interpreter, self, replace_text(self.text(), from, to, count));
}

Result<Value> joined(Interpreter& interpreter, const Value& self, const CallArgs& args) {
  ASSIGN_OR_RETURN(const BoundArgs bound, bind_positions("join", args, {"iterable"}, 1));
  ASSIGN_OR_RETURN(const std::vector<Value> items, collect(interpreter, bound[0]));
  Runtime& runtime = interpreter.runtime();
  const bool is_markup = self.string().is_markup();
  std::string text;
  for (std::size_t i = 0; i < items.size(); ++i) {
    ASSIGN_OR_RETURN(const std::string_view item, to_string_view("each item to join", items[i]));
    if (i > 0) text += self.text();
    if (is_markup && !items[i].string().is_markup()) {
      text += escape_html(item);
    } else {
      text += item;
    }
    RETURN_IF_ERROR(runtime.spend(1 + (item.size() + self.text().size()) / 64));
    RETURN_IF_ERROR(runtime.reserve(text.size()));
  }
  return make_string(runtime, std::move(text), is_markup);
}

Result<Value> braces(Interpreter& interpreter, const Value& self, const CallArgs& args) {
  return format_braces(interpreter, self, args);
}

Result<Value> braces_from_map(Interpreter& interpreter, const Value& self, const CallArgs& args) {
  ASSIGN_OR_RETURN(const BoundArgs bound, bind_positions("format_map", args, {"mapping"}, 1));
  if (!bound[0].is(Kind::kDict)) return invalid_argument("format_map needs a mapping");
  CallArgs named;
  for (const auto& [key, value] : bound[0].dict().entries()) {
    if (key.is_string()) named.named.push_back({key.text(), value});
  }
  return format_braces(interpreter, self, named);
}

enum class Align { kLeft, kRight, kCenter };

template <Align align>
Result<Value> aligned(Interpreter& interpreter, const Value& self, const CallArgs& args) {
  ASSIGN_OR_RETURN(const BoundArgs bound, bind_positions("center", args, {"width", "fillchar"}, 1));
  ASSIGN_OR_RETURN(const long width, to_long("the width", bound[0]));
  std::string_view fill = " ";
  if (bound.has(1)) {
    ASSIGN_OR_RETURN(fill, to_string_view("the fill character", bound[1]));
    if (utf8_length(fill) != 1) {
      return invalid_argument("The fill character must be exactly one character long");
    }
  }
  const auto length = static_cast<long>(self.string().length());
  if (width <= length) return like(interpreter, self, self.text());
  const long margin = width - length;
  RETURN_IF_ERROR(interpreter.runtime().reserve(static_cast<std::size_t>(margin), fill.size()));
  long left = align == Align::kRight ? margin : 0;
  if (align == Align::kCenter) left = margin / 2 + (margin & width & 1);
  std::string text;
  for (long i = 0; i < left; ++i) text += fill;
  text += self.text();
  for (long i = left; i < margin; ++i) text += fill;
  return like(interpreter, self, std::move(text));
}

Result<Value> zero_filled(Interpreter& interpreter, const Value& self, const CallArgs& args) {
  ASSIGN_OR_RETURN(const BoundArgs bound, bind_positions("zfill", args, {"width"}, 1));
  ASSIGN_OR_RETURN(const long width, to_long("the width", bound[0]));
  const auto length = static_cast<long>(self.string().length());
  std::string text = self.text();
  if (width > length) {
    const auto zeros = static_cast<std::size_t>(width - length);
    RETURN_IF_ERROR(interpreter.runtime().reserve(zeros));
    const bool has_sign = !text.empty() && (text[0] == '+' || text[0] == '-');
    text.insert(has_sign ? 1 : 0, zeros, '0');
  }
  return like(interpreter, self, std::move(text));
}

template <bool last>
Result<Value> partitioned(Interpreter& interpreter, const Value& self, const CallArgs& args) {
  ASSIGN_OR_RETURN(const BoundArgs bound, bind_positions("partition", args, {"sep"}, 1));
  ASSIGN_OR_RETURN(const std::string_view separator, to_string_view("the separator", bound[0]));
  if (separator.empty()) return invalid_argument("empty separator");
  Runtime& runtime = interpreter.runtime();
  RETURN_IF_ERROR(runtime.spend(self.text().size() / 32));
  const std::string_view text = self.text();
  const std::size_t at = last ? rfind_text(text, separator) : find_text(text, separator);
  const bool is_markup = self.string().is_markup();
  const auto piece = [&](std::string_view part) { return make_string(runtime, part, is_markup); };
  if (at == std::string_view::npos) {
    if (last) return make_tuple(runtime, {piece(""), piece(""), piece(text)});
    return make_tuple(runtime, {piece(text), piece(""), piece("")});
  }
  return make_tuple(runtime, {piece(text.substr(0, at)), piece(separator),
                              piece(text.substr(at + separator.size()))});
}

constexpr MethodEntry kTextMethods[] = {
    {"capitalize", &converted<&capitalize>},
    {"casefold", &converted<&to_lower>},
    {"center", &aligned<Align::kCenter>},
    {"count", &counted},
    {"endswith", &affix_matches<false>},
    {"find", &found_at<false, false>},
    {"format", &braces},
    {"format_map", &braces_from_map},
    {"index", &found_at<false, true>},
    {"join", &joined},
    {"ljust", &aligned<Align::kLeft>},
    {"lower", &converted<&to_lower>},
    {"lstrip", &stripped<Side::kLeft>},
    {"partition", &partitioned<false>},
    {"removeprefix", &affix_removed<true>},
    {"removesuffix", &affix_removed<false>},
    {"replace", &replaced},
    {"rfind", &found_at<true, false>},
    {"rindex", &found_at<true, true>},
    {"rjust", &aligned<Align::kRight>},
    {"rpartition", &partitioned<true>},
    {"rsplit", &split_text<Side::kRight>},
    {"rstrip", &stripped<Side::kRight>},
    {"split", &split_text<Side::kLeft>},
    {"splitlines", &split_into_lines},
    {"startswith", &affix_matches<true>},
    {"strip", &stripped<Side::kBoth>},
    {"swapcase", &converted<&swap_case>},
    {"title", &converted<&title_case>},
    {"upper", &converted<&to_upper>},
    {"zfill", &zero_filled},
};

}  // namespace

MethodTable text_methods() { return {std::begin(kTextMethods), std::end(kTextMethods)}; }

}  // namespace nacelle::chat_template
