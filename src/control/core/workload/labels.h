// labels.h: label selectors, and names that a controller makes up.
//
// Home:    pure.
// Source:  kubernetes-api.md sections 9.3 and 27 row 29 (alphabet of generated names).
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "kube/object.h"

namespace nacelle::control::workload {

// matchLabels and matchExpressions; an empty or absent selector matches nothing, as controllers
// refuse to take everything.
[[nodiscard]] bool selects(const kube::Json& selector, const kube::Json& object);
// A plain map, as Services have it.
[[nodiscard]] bool selects_all(const kube::Json& labels, const kube::Json& object);

// Five characters that depend on the owner and a number alone: whoever decides twice from the same
// view asks for the same names, and the second create finds that it is done.
[[nodiscard]] std::string name_suffix(std::string_view owner_uid, std::uint64_t number);
// Up to ten characters of a hash.
[[nodiscard]] std::string hash_text(std::uint64_t hash);
[[nodiscard]] std::uint64_t fnv(std::string_view text, std::uint64_t start = 0xcbf29ce484222325);

// An owner reference that controls.
[[nodiscard]] kube::Json controller_reference(const kube::Json& owner);

}  // namespace nacelle::control::workload
