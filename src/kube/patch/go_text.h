// go_text.h: values in the words of messages that clients compare: Go's %v for strategic merge
// errors, compact JSON for keys of managedFields.
//
// Home:    pure.
// Bounds:  go_text() cuts at 400 bytes.
#pragma once

#include <string>

#include "kube/object.h"

namespace nacelle::kube {

// `map[image:nokey ports:[80 443]]`
[[nodiscard]] std::string go_text(const Json& value);

// Compact, keys sorted, broken UTF-8 replaced.
[[nodiscard]] inline std::string to_json_text(const Json& value) {
  return value.dump(-1, ' ', false, Json::error_handler_t::replace);
}

}  // namespace nacelle::kube
