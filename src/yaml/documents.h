// documents.h: the documents of a YAML stream.
//
// yaml-cpp 0.7's own LoadAll makes documents without end, and memory with them, of some malformed
// streams. So the stream is cut at its markers, which YAML allows at the start of a line only and
// inside no scalar, and each document is loaded alone and must end where it is cut.
//
// Home:    pure; any thread.
// Errors:  invalid_argument with the line in the stream.
#pragma once

#include <yaml-cpp/yaml.h>

#include <cstddef>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace nacelle::yaml {

struct Document {
  YAML::Node root;
  std::size_t first_line = 0;  // added to the marks of nodes, which count from the document's begin
};

// Documents without content are left out; more than `most` are an error.
[[nodiscard]] Result<std::vector<Document>> load_documents(std::string_view stream,
                                                           std::size_t most);

}  // namespace nacelle::yaml
