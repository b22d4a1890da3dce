// normal_form.h: the four Unicode normal forms (UAX #15), linear in the text.
//
// Decomposition data comes from utf8proc; characters that are newer than the reference
// implementation's data are left alone (is_unknown_to_normal_forms). Runs of combining marks are
// put in order by a stable sort, so that a long hostile run costs n log n and not n squared.
//
// Home:  any thread.
#pragma once

#include <string>
#include <string_view>

namespace nacelle::tokenizer {

enum class NormalForm { kNfc, kNfd, kNfkc, kNfkd };

// `text` is valid UTF-8.
[[nodiscard]] std::string to_normal_form(std::string_view text, NormalForm form);

}  // namespace nacelle::tokenizer
