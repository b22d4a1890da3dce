// json_members.h: a few top-level members of a JSON object as text, for callers without a tree.
//
// Home:    pure functions; any thread.
// Errors:  invalid_argument when the text is no JSON object.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace nacelle::provider::json {

// One entry per name: a string's decoded text, another scalar as written, "" when absent or null.
[[nodiscard]] Result<std::vector<std::string>> strings_of(
    std::string_view object, std::initializer_list<std::string_view> names);

// A whole number without sign; nullopt for others.
[[nodiscard]] std::optional<std::uint64_t> number_of(std::string_view text);

}  // namespace nacelle::provider::json
