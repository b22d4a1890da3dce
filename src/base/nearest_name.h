// nearest_name.h: what someone who mistyped a name probably meant.
//
// Home:    pure.
#pragma once

#include <span>
#include <string>
#include <string_view>

namespace nacelle {

// The known name with the smallest edit distance (letter case counts less than a letter), when that
// is at most a third of its length; "" otherwise. The first of several wins.
[[nodiscard]] std::string_view nearest_name(std::string_view name,
                                            std::span<const std::string_view> known);

// " (did you mean 'x'?)" or "".
[[nodiscard]] std::string did_you_mean(std::string_view name,
                                       std::span<const std::string_view> known);

// "unknown <what> 'x'; did you mean 'y'?" or, when nothing is near and the list is short, "...;
// there are a, b, c".
[[nodiscard]] std::string unknown_name(std::string_view what, std::string_view name,
                                       std::span<const std::string_view> known);

}  // namespace nacelle
