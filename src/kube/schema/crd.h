// crd.h: CustomResourceDefinitions: what is filled in, what is refused, and the kinds they make.
//
// Home:    pure.
// Source:  kubernetes-api.md section 18.
#pragma once

#include "kube/schema/kind.h"
#include "kube/schema/shape.h"

namespace nacelle::kube::schema {

// names.singular, names.listKind, conversion.
void default_crd(Json& crd);

[[nodiscard]] Findings validate_crd(const Json& crd);
// Group, scope, plural and kind never change.
[[nodiscard]] Findings validate_crd_update(const Json& old_crd, const Json& crd);

// Conditions NamesAccepted and Established, acceptedNames and storedVersions, as a controller would
// set them. `clash` is the reason and the name when another kind has a name of this one.
struct NameClash {
  std::string reason;  // "PluralConflict"; "" is none
  std::string name;
};
[[nodiscard]] Json crd_status(const Json& crd, const NameClash& clash, std::string_view now);
[[nodiscard]] bool is_established(const Json& crd);

// "plural.group", the collection of its objects.
[[nodiscard]] std::string crd_collection(const Json& crd);

// Objects of a kind that needs more than another apiVersion between its versions.
using Converter = std::function<Json(Json object, std::string_view to_version)>;
[[nodiscard]] std::vector<KindPtr> kinds_of_crd(const Json& crd, const Converter& converter);

// The first value at a JSONPath of the kind CRDs use: ".spec.x", ".a[0].b",
// `.status.conditions[?(@.type=="Ready")].status`. Null when there is none.
[[nodiscard]] const Json* at_json_path(const Json& object, std::string_view path);
// The cell of a printer column.
[[nodiscard]] Json crd_cell(const Json& object, const Column& column, std::int64_t now_s);

}  // namespace nacelle::kube::schema
