// names.h: which names, labels and annotations an object may have.
//
// Home:    pure.
// Source:  kubernetes-api.md section 8.
#pragma once

#include <string_view>

#include "kube/schema/kind.h"
#include "kube/schema/shape.h"

namespace nacelle::kube::schema {

[[nodiscard]] bool is_dns_label(std::string_view text);       // at most 63
[[nodiscard]] bool is_dns_subdomain(std::string_view text);   // at most 253
[[nodiscard]] bool is_qualified_name(std::string_view text);  // of labels and annotations
[[nodiscard]] bool is_label_value(std::string_view text);

// Name, labels, annotations, finalizers and owners of an object that is written.
void validate_metadata(const Json& object, const Kind& kind, Findings& out);
// What an update must leave alone.
void validate_metadata_update(const Json& before, const Json& after, Findings& out);

}  // namespace nacelle::kube::schema
