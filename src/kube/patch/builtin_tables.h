// builtin_tables.h: how the fields of the kinds we know merge, one line each.
//
// A rule is words: `:Type` of the field or of its items; `map(a,b=DEFAULT)`, `set` for server-side
// apply's lists; `smp(key)`, `smp(*)` for lists that a strategic merge unites; `atomic`, `replace`,
// `always`, `quantity`, as in kube/merge_schema.h. `values:Type` is of a map with free keys.
// Fields that follow the common rule have no line.
//
// Home:    pure.
// Source:  kubernetes-api.md section 12.2, read from a server's OpenAPI; `always` from the entries
//          that real servers write for objects made by plain creates.
#pragma once

#include <span>
#include <string_view>

namespace nacelle::kube {

struct FieldRule {
  std::string_view type;
  std::string_view field;
  std::string_view rule;
};
struct KindRule {
  std::string_view group;
  std::string_view kind;
  std::string_view type;
};

// A type comes after the types of its fields.
[[nodiscard]] std::span<const FieldRule> builtin_fields();
[[nodiscard]] std::span<const KindRule> builtin_kinds();

}  // namespace nacelle::kube
