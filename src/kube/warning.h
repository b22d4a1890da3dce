// warning.h: what an API server says beside its answer: `Warning: 299 - "text"`.
//
// Home:    pure.
// Bounds:  16 warnings of 4 KiB; the rest is left out.
// Source:  kubernetes-api.md section 2.
#pragma once

#include <string>
#include <vector>

#include "net/http/headers.h"

namespace nacelle::kube {

// In order, without duplicates; fields that have another form are passed over.
[[nodiscard]] std::vector<std::string> warnings_of(const net::http::Headers& headers);

}  // namespace nacelle::kube
