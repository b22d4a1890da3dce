// typed_value.h: values read by a schema: their sets of fields, what changed between two, and the
// merge and the removal that an apply makes.
//
// Null and absent are the same. A list whose items lack their keys or repeat them is one value.
//
// Home:    pure.
// Bounds:  the caller has checked the nesting (kMaxMergeDepth).
// Source:  kubernetes-api.md sections 13.3 and 13.4.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "kube/merge_schema.h"
#include "kube/patch/field_set.h"

namespace nacelle::kube {

// The elements of a keyed list or set, one per item; nothing when it is one value.
[[nodiscard]] std::optional<std::vector<std::string>> elements_of(const Json& list,
                                                                  const MergeSchema& schema);

// Equal, or two spellings of one amount where the schema says that it is one: "1Gi", "1024Mi".
[[nodiscard]] bool same_value(const Json& a, const Json& b, const MergeSchema& schema);

// Whether maps and structs that have content are themselves in the set: an update owns the
// containers it made, an apply only what it states.
enum class Containers { kNo, kYes };
[[nodiscard]] FieldSet fields_of(const Json& value, const MergeSchema& schema,
                                 Containers containers);

struct Comparison {
  FieldSet added, modified, removed;
};
[[nodiscard]] Comparison compare(const Json& before, const Json& after, const MergeSchema& schema);

// `live` with what `config` states. Live items keep their order and new ones go behind, but items
// that both have follow the order of `config`.
[[nodiscard]] Json merge_applied(const Json& live, const Json& config, const MergeSchema& schema);

// Takes out of `value` the members of `given_up` that `kept` has nothing at or below of.
void prune(Json& value, const FieldSet& given_up, const FieldSet& kept, const MergeSchema& schema);

// Why a body is no value of its schema: ".spec.containers: duplicate entries for key [name=\"a\"]".
[[nodiscard]] std::vector<std::string> type_errors(const Json& value, const MergeSchema& schema);

}  // namespace nacelle::kube
