// openapi_schema.h: the openAPIV3Schema of a CRD as a tree of nodes.
//
// Home:    pure.
// Errors:  findings for schemas that are not structural, with their paths below `path`.
// Bounds:  nesting of kMaxDepth.
// Source:  kubernetes-api.md section 18.2.
#pragma once

#include <string>

#include "kube/schema/node.h"
#include "kube/schema/shape.h"

namespace nacelle::kube::schema {

// Adds apiVersion, kind and metadata to the root. What cannot be understood is kept as unknown.
[[nodiscard]] NodePtr node_from_openapi(const Json& schema, const std::string& path,
                                        Findings& findings);

}  // namespace nacelle::kube::schema
