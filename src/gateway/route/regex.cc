#define PCRE2_CODE_UNIT_WIDTH 8
#include "gateway/route/regex.h"

#include <pcre2.h>

#include <array>

namespace nacelle::gateway {
namespace {

// What matching needs besides the pattern; one per thread, since patterns are shared.
struct Scratch {
  Scratch()
      : context(pcre2_match_context_create(nullptr)), data(pcre2_match_data_create(1, nullptr)) {
    pcre2_set_match_limit(context, Regex::kMatchLimit);
    pcre2_set_heap_limit(context, Regex::kHeapKib);
  }
  ~Scratch() {
    pcre2_match_data_free(data);
    pcre2_match_context_free(context);
  }
  Scratch(const Scratch&) = delete;
  Scratch& operator=(const Scratch&) = delete;
  pcre2_match_context* context;
  pcre2_match_data* data;
};

}  // namespace

Result<std::shared_ptr<const Regex>> Regex::compile(std::string_view pattern) {
  if (pattern.size() > kMaxPattern) {
    return invalid_argument("the pattern has {} bytes, at most {} are accepted", pattern.size(),
                            kMaxPattern);
  }
  int error = 0;
  PCRE2_SIZE offset = 0;
  pcre2_code* code = pcre2_compile(reinterpret_cast<PCRE2_SPTR>(pattern.data()), pattern.size(),
                                   PCRE2_ANCHORED | PCRE2_ENDANCHORED | PCRE2_NEVER_BACKSLASH_C,
                                   &error, &offset, nullptr);
  if (code == nullptr) {
    std::array<PCRE2_UCHAR, 160> text{};
    pcre2_get_error_message(error, text.data(), text.size());
    return invalid_argument("not a regular expression at byte {}: {}", offset,
                            reinterpret_cast<const char*>(text.data()));
  }
  return std::shared_ptr<const Regex>(new Regex(code));
}

Regex::~Regex() { pcre2_code_free(static_cast<pcre2_code*>(code_)); }

bool Regex::matches(std::string_view subject) const {
  if (subject.size() > kMaxSubject) return false;
  thread_local Scratch scratch;
  // The interpreter: it honours both limits exactly, which compiled code does not.
  return pcre2_match(static_cast<const pcre2_code*>(code_),
                     reinterpret_cast<PCRE2_SPTR>(subject.data()), subject.size(), 0, 0,
                     scratch.data, scratch.context) >= 0;
}

}  // namespace nacelle::gateway
