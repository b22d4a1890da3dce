// documents.h: YAML text to JSON objects, one per document, as an API server would hand them over.
//
// Plain scalars follow YAML 1.2's core schema (null, true, false, numbers); quoted ones are
// strings. Empty documents are skipped; a `kind: List` is taken apart.
//
// Home:    pure; any thread.
// Errors:  invalid_argument with the line for text that is no YAML, for aliases that would grow
//          beyond kMaxNodes, and for nesting beyond kMaxDepth.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json.hpp>

#include "base/result.h"

namespace nacelle::gateway {

inline constexpr std::size_t kMaxNodes = 1'000'000;
inline constexpr std::size_t kMaxDepth = 64;

struct Document {
  std::string source;  // the file, and the line when it has several documents
  nlohmann::json object;
};

[[nodiscard]] Result<std::vector<Document>> parse_documents(std::string_view source,
                                                            std::string_view text);

}  // namespace nacelle::gateway
