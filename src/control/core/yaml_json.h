// yaml_json.h: YAML as the JSON that Kubernetes would make of it.
//
// Home:    pure.
// Errors:  invalid_argument for YAML that is none and for keys that are no text.
// Bounds:  nesting of kube::kMaxMergeDepth; one document.
#pragma once

#include <string_view>

#include "base/result.h"
#include "kube/object.h"

namespace nacelle::control {

[[nodiscard]] Result<kube::Json> json_of_yaml(std::string_view document);

}  // namespace nacelle::control
