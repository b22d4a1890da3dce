// json.h: trees of JSON for bodies that are translated, and reads that cannot throw.
//
// Trees keep the order of members, so that what goes out reads as what came in. Absent, null and
// wrongly typed members read as "not there"; a translator that must refuse them says so itself.
//
// Home:    values; any thread.
// Errors:  parse: invalid_argument for text that is no JSON, is nested deeper than kMaxDepth or
//          holds a number beyond double.
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"

namespace nacelle::provider::json {

using Json = nlohmann::ordered_json;

inline constexpr std::size_t kMaxDepth = 128;

[[nodiscard]] Result<Json> parse(std::string_view text);
// The same, and invalid_argument when the value is not an object.
[[nodiscard]] Result<Json> parse_object(std::string_view text);

// Compact. Invalid UTF-8 becomes U+FFFD.
[[nodiscard]] std::string dump(const Json& value);

// The member, or nullptr when `object` is no object or the member is absent or null.
[[nodiscard]] const Json* member(const Json& object, std::string_view name);
[[nodiscard]] const Json* array_member(const Json& object, std::string_view name);
[[nodiscard]] const Json* object_member(const Json& object, std::string_view name);

// "" when it is not a string.
[[nodiscard]] std::string string_member(const Json& object, std::string_view name);
[[nodiscard]] bool bool_member(const Json& object, std::string_view name, bool fallback = false);
// Whole numbers, also written as 3.0; nullopt for others.
[[nodiscard]] std::optional<std::int64_t> integer_member(const Json& object, std::string_view name);
// 0 when it is not a whole number or negative: counts of tokens.
[[nodiscard]] std::uint64_t count_member(const Json& object, std::string_view name);

// Copies `from[name]` to `to[as]` when it is there.
void copy_member(const Json& from, std::string_view name, Json& to, std::string_view as);

}  // namespace nacelle::provider::json
