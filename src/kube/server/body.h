// body.h: the body of a write: JSON, YAML or protobuf, as one JSON object.
//
// Home:    pure; fuzzed.
// Errors:  Failures: 400 for what does not parse, 413 beyond kMaxBodyBytes (checked by the reader
// of
//          the body), 415 for other types.
// Bounds:  nesting of 200.
// Source:  kubernetes-api.md sections 2, 6.1, 11.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "kube/server/failure.h"

namespace nacelle::kube::server {

inline constexpr std::size_t kMaxBodyBytes = 3145728;

struct Body {
  Json object;
  std::vector<std::string> duplicates;  // paths of fields that stood twice; the last one counts
};

// `content_type` "" is JSON. `expected` names the kind in errors.
[[nodiscard]] Try<Body> decode_body(std::string_view body, std::string_view content_type,
                                    std::string_view expected);

// Scalars as Kubernetes' YAML 1.1 reads them: a bare `y`, `on` or `no` is a boolean.
[[nodiscard]] Try<Json> decode_yaml(std::string_view text);

// The type without its parameters, in lower case.
[[nodiscard]] std::string media_type(std::string_view content_type);

}  // namespace nacelle::kube::server
