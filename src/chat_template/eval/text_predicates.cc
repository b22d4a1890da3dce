// text_predicates.cc: the methods of text that answer yes or no: isdigit(), islower(), ...
#include <iterator>

#include "base/utf8.h"
#include "chat_template/eval/interpreter.h"
#include "chat_template/eval/methods.h"
#include "chat_template/text/predicates.h"
#include "chat_template/text/unicode.h"

namespace nacelle::chat_template {
namespace {

template <bool (*holds)(std::string_view)>
Result<Value> predicate(Interpreter& interpreter, const Value& self, const CallArgs& args) {
  RETURN_IF_ERROR(bind_positions("this method", args, {}, 0).status());
  RETURN_IF_ERROR(interpreter.runtime().spend(self.text().size() / 16));
  return Value::boolean(holds(self.text()));
}

// Not empty, and every character in the class.
template <bool (*in_class)(char32_t)>
bool every(std::string_view text) {
  for (std::size_t pos = 0; pos < text.size();) {
    const Utf8Char c = decode_utf8(text, pos);
    if (!in_class(c.code_point)) return false;
    pos += c.length;
  }
  return !text.empty();
}

bool all_ascii(std::string_view text) {
  for (const char c : text) {
    if (static_cast<unsigned char>(c) >= 0x80) return false;
  }
  return true;
}

bool all_printable(std::string_view text) { return text.empty() || every<&is_printable>(text); }

bool is_identifier(std::string_view text) {
  for (std::size_t pos = 0; pos < text.size();) {
    const Utf8Char c = decode_utf8(text, pos);
    const bool is_start = c.code_point == '_' || is_alpha(c.code_point);
    if (!is_start && (pos == 0 || !is_decimal(c.code_point))) return false;
    pos += c.length;
  }
  return !text.empty();
}

// Upper case only at the start of words, lower case only inside.
bool is_title_text(std::string_view text) {
  bool in_word = false;
  bool any = false;
  for (std::size_t pos = 0; pos < text.size();) {
    const Utf8Char c = decode_utf8(text, pos);
    pos += c.length;
    if (is_upper(c.code_point) || is_title(c.code_point)) {
      if (in_word) return false;
      in_word = any = true;
    } else if (is_lower(c.code_point)) {
      if (!in_word) return false;
      any = true;
    } else {
      in_word = false;
    }
  }
  return any;
}

constexpr MethodEntry kPredicates[] = {
    {"isalnum", &predicate<&every<&is_alnum>>},  {"isalpha", &predicate<&every<&is_alpha>>},
    {"isascii", &predicate<&all_ascii>},         {"isdecimal", &predicate<&every<&is_decimal>>},
    {"isdigit", &predicate<&every<&is_digit>>},  {"isidentifier", &predicate<&is_identifier>},
    {"islower", &predicate<&is_lower_text>},     {"isnumeric", &predicate<&every<&is_numeric>>},
    {"isprintable", &predicate<&all_printable>}, {"isspace", &predicate<&every<&is_space>>},
    {"istitle", &predicate<&is_title_text>},     {"isupper", &predicate<&is_upper_text>},
};

}  // namespace

MethodTable text_predicates() { return {std::begin(kPredicates), std::end(kPredicates)}; }

}  // namespace nacelle::chat_template
