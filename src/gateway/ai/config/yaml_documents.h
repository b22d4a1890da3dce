// yaml_documents.h: the documents of a YAML stream.
//
// yaml-cpp 0.7's own LoadAll makes documents without end, and memory with them, of some malformed
// streams. So the stream is cut at its markers, which YAML allows at the start of a line only and
// inside no scalar, and each document is loaded alone and must end where it is cut.
//
// Home:    pure; any thread.
// Errors:  invalid_argument with the number of the document and the line in it.
#pragma once

#include <yaml-cpp/yaml.h>

#include <string_view>
#include <vector>

#include "base/result.h"

namespace nacelle::gateway::ai {

// Documents without content are left out; more than `most` are an error.
[[nodiscard]] Result<std::vector<YAML::Node>> load_documents(std::string_view yaml,
                                                             std::size_t most);

}  // namespace nacelle::gateway::ai
