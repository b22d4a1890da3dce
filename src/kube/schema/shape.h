// shape.h: objects against the structure of their kind: unknown fields out, defaults in, values
// checked.
//
// Home:    pure.
// Bounds:  nesting of kMaxDepth; findings of kMaxFindings.
// Source:  kubernetes-api.md sections 11.4 and 18.2.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "kube/object.h"
#include "kube/schema/node.h"

namespace nacelle::kube::schema {

inline constexpr std::size_t kMaxDepth = 128;
inline constexpr std::size_t kMaxFindings = 64;

// One reason why an object is refused.
struct Finding {
  std::string reason;   // "FieldValueInvalid"
  std::string field;    // "spec.containers[0].name"
  std::string message;  // "Invalid value: 22: spec.size in body should be ..."
  friend bool operator==(const Finding&, const Finding&) = default;
};
using Findings = std::vector<Finding>;

[[nodiscard]] Finding required(std::string field, std::string_view text = {});
[[nodiscard]] Finding invalid(std::string field, const Json& value, std::string_view text);
[[nodiscard]] Finding unsupported(std::string field, const Json& value,
                                  const std::vector<std::string>& supported);
[[nodiscard]] Finding forbidden(std::string field, std::string_view text);
[[nodiscard]] Finding duplicate(std::string field, const Json& value);
[[nodiscard]] Finding too_long(std::string field, std::size_t most_bytes);

// Removes fields that the kind does not have and appends their paths ("spec.zzz",
// "spec.rules[0].x"). What stands in lists and maps of another type is left to check_types().
void prune(Json& value, const Node& node, std::vector<std::string>& unknown);

// Fills in absent fields that have a default, below objects that are there. A null where null is
// not allowed counts as absent.
void fill_defaults(Json& value, const Node& node);

// Brings values with several spellings into one: quantities, numbers that came as floats; nulls of
// built-in kinds mean absent and are removed.
void normalize(Json& value, const Node& node);

// Of a built-in kind: the first value of a wrong JSON type, as Go's decoder says it: "json: cannot
// unmarshal number into Go struct field ConfigMap.data of type string"; "" when there is none.
[[nodiscard]] std::string wrong_type(const Json& value, const Node& node, std::string_view kind);

// Everything a CRD's schema says of a value.
void validate(const Json& value, const Node& node, const std::string& path, Findings& findings);

}  // namespace nacelle::kube::schema
