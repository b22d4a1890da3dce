// yaml_text.h: JSON as YAML, in the form that kubectl prints: keys in order, lists at the column of
// their key, text of several lines as a block. What it prints reads back as the same JSON.
//
// Home:    pure.
#pragma once

#include <string>

#include "kube/object.h"

namespace nacelle::cli {

// Ends with a line feed.
[[nodiscard]] std::string yaml_text(const kube::Json& value);

}  // namespace nacelle::cli
