// path.h: request paths: one form for routing and forwarding, prefixes, percent codes.
//
// Home:    pure functions; any thread.
// Source:  gateway.md sections 1.4, 1.6 and 17.8; RFC 3986 section 5.2.4.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace nacelle::gateway {

// Dot segments (also with %2e) are resolved and runs of slashes become one; %2F stays as it is.
// nullopt for a path that leaves the root or does not begin with a slash.
[[nodiscard]] std::optional<std::string> normalize_path(std::string_view path);

// True when normalize_path would return the path as it is; costs one scan.
[[nodiscard]] bool is_normal_path(std::string_view path);

// Element-wise: "/foo" and "/foo/" match "/foo", "/foo/" and "/foo/bar", not "/foobar".
[[nodiscard]] bool path_has_prefix(std::string_view path, std::string_view prefix);

// Puts `replacement` in the place of a matched `prefix`: ("/foo/bar", "/foo", "/xyz") ->
// "/xyz/bar".
[[nodiscard]] std::string replace_prefix(std::string_view path, std::string_view prefix,
                                         std::string_view replacement);

// %XX becomes a byte; codes that are none stay.
[[nodiscard]] std::string percent_decode(std::string_view text);

}  // namespace nacelle::gateway
