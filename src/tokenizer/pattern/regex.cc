#define PCRE2_CODE_UNIT_WIDTH 8
#include "tokenizer/pattern/regex.h"

#include <pcre2.h>

#include "tokenizer/pattern/pattern.h"
#include "tokenizer/pattern/regex_translate.h"
#include "tokenizer/unicode/utf8_cursor.h"

namespace nacelle::tokenizer {

struct Regex::Compiled {
  pcre2_code* code = nullptr;
  pcre2_match_context* match_context = nullptr;

  Compiled() = default;
  Compiled(const Compiled&) = delete;
  Compiled& operator=(const Compiled&) = delete;
  ~Compiled() {
    pcre2_match_context_free(match_context);
    pcre2_code_free(code);
  }
};

Result<Regex> Regex::compile(std::string_view pattern) {
  ASSIGN_OR_RETURN(const std::string translated, translate_regex(pattern));
  auto compiled = std::make_shared<Compiled>();
  auto* context = pcre2_compile_context_create(nullptr);
  pcre2_set_newline(context, PCRE2_NEWLINE_LF);
  pcre2_set_parens_nest_limit(context, 100);
  int error = 0;
  PCRE2_SIZE offset = 0;
  compiled->code = pcre2_compile(reinterpret_cast<PCRE2_SPTR>(translated.data()), translated.size(),
                                 PCRE2_UTF | PCRE2_UCP | PCRE2_MULTILINE | PCRE2_NEVER_BACKSLASH_C,
                                 &error, &offset, context);
  pcre2_compile_context_free(context);
  if (compiled->code == nullptr) {
    PCRE2_UCHAR message[256] = {};
    pcre2_get_error_message(error, message, sizeof message);
    return invalid_argument("the regular expression \"{}\" does not compile: {}", pattern,
                            reinterpret_cast<const char*>(message));
  }
  // Without JIT support in the library this fails and matching interprets.
  (void)pcre2_jit_compile(compiled->code, PCRE2_JIT_COMPLETE);
  compiled->match_context = pcre2_match_context_create(nullptr);
  pcre2_set_match_limit(compiled->match_context, kMatchLimit);
  pcre2_set_heap_limit(compiled->match_context, 256 * 1024);  // KiB
  return Regex(std::move(compiled));
}

void Regex::find_all(std::string_view text, std::vector<Span>& out) const {
  auto* data = pcre2_match_data_create_from_pattern(compiled_->code, nullptr);
  const auto subject = reinterpret_cast<PCRE2_SPTR>(text.data());
  constexpr std::size_t kNone = ~std::size_t{0};
  std::size_t covered = 0, from = 0, last_end = kNone;
  while (from <= text.size()) {
    if (pcre2_match(compiled_->code, subject, text.size(), from, PCRE2_NO_UTF_CHECK, data,
                    compiled_->match_context) < 1) {
      break;
    }
    const PCRE2_SIZE* match = pcre2_get_ovector_pointer(data);
    const std::size_t begin = match[0], end = match[1];
    if (begin < from || end < begin) break;  // \K can move a match backwards
    if (begin == end && end == last_end) {
      if (end >= text.size()) break;
      from = end + utf8_lead_length(text[end]);
      continue;
    }
    if (begin != covered) out.push_back({covered, begin, false});
    out.push_back({begin, end, true});
    covered = last_end = end;
    if (begin == end && end == text.size()) break;
    from = begin == end ? end + utf8_lead_length(text[end]) : end;
  }
  pcre2_match_data_free(data);
  if (covered != text.size()) out.push_back({covered, text.size(), false});
}

}  // namespace nacelle::tokenizer
