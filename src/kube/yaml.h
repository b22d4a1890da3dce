// yaml.h: a YAML document as the JSON that a Kubernetes API makes of it.
//
// Home:    pure; any thread.
// Errors:  invalid_argument for what is no YAML and for keys that are no text.
// Bounds:  nesting of 200; 200,000 values, however often an alias names them.
// Source:  kubernetes-api.md section 6.1.
#pragma once

#include <string_view>

#include "base/result.h"
#include "kube/object.h"

namespace nacelle::kube {

[[nodiscard]] Result<Json> json_of_yaml(std::string_view document);

}  // namespace nacelle::kube
