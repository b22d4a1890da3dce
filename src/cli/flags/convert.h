// convert.h: the text of one flag's value, checked against its spec.
#pragma once

#include <string>
#include <string_view>

#include <nlohmann/json.hpp>

#include "base/result.h"
#include "cli/flags/flag_spec.h"
#include "cli/flags/flag_values.h"

namespace nacelle::cli {

[[nodiscard]] Result<FlagValue> convert(const FlagSpec& spec, const std::string& text);

// A part of a JSON flag: JSON if it parses, else a human integer, else a string.
[[nodiscard]] nlohmann::json json_part(std::string_view text);

// Sets `target`'s value at a dotted path ("a.b"); a path ending in '+' appends (comma separated).
[[nodiscard]] Status assign_part(nlohmann::json& target, std::string_view path,
                                 std::string_view text);

}  // namespace nacelle::cli
