// protobuf.h: request bodies in Kubernetes' protobuf, as JSON.
//
// Home:    pure; fuzzed.
// Errors:  invalid_argument for broken bytes, unimplemented for kinds whose numbers are not known.
// Bounds:  nesting of schema::kMaxDepth; the body's size bounds the rest.
// Source:  kubernetes-api.md section 6.3 and appendix A.
#pragma once

#include <string_view>

#include "base/result.h"
#include "kube/object.h"

namespace nacelle::kube::server {

// The object with its apiVersion and kind.
[[nodiscard]] Result<Json> decode_protobuf(std::string_view body);

}  // namespace nacelle::kube::server
