#include "chat_template/text/predicates.h"

#include "base/utf8.h"
#include "chat_template/text/unicode.h"

namespace nacelle::chat_template {
namespace {

template <bool (*wanted)(char32_t), bool (*unwanted)(char32_t)>
bool has_only(std::string_view text) {
  bool any = false;
  for (std::size_t pos = 0; pos < text.size();) {
    const Utf8Char c = decode_utf8(text, pos);
    pos += c.length;
    if (unwanted(c.code_point) || is_title(c.code_point)) return false;
    any = any || wanted(c.code_point);
  }
  return any;
}

}  // namespace

bool is_upper_text(std::string_view text) { return has_only<&is_upper, &is_lower>(text); }
bool is_lower_text(std::string_view text) { return has_only<&is_lower, &is_upper>(text); }

}  // namespace nacelle::chat_template
