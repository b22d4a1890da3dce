// quantity.h: amounts such as "1536Mi" or "500m", and their canonical spelling.
//
// Home:    pure.
// Errors:  nullopt for text that is no quantity.
// Source:  kubernetes-api.md section 19.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace nacelle::kube::schema {

// "1000m" -> "1", "1.5Gi" -> "1536Mi", "0.5" -> "500m": the family (binary or decimal) stays, no
// fraction remains, what is finer than a nano is rounded up.
[[nodiscard]] std::optional<std::string> canonical_quantity(std::string_view text);

// The amount as a number; for comparing and for columns.
[[nodiscard]] std::optional<double> quantity_value(std::string_view text);

}  // namespace nacelle::kube::schema
