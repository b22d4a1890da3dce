// selection.h: what the words after `get` and `delete` mean: KIND [NAME...], KIND/NAME...,
// KIND,KIND.
//
// Home:    pure.
// Errors:  invalid_argument in kubectl's words; not_found for unknown kinds.
#pragma once

#include <string>
#include <vector>

#include "cli/kube/catalog.h"

namespace nacelle::cli {

struct Selection {
  ResourceType type;
  std::vector<std::string> names;  // none: all of the kind
};

[[nodiscard]] Result<std::vector<Selection>> select(const KindCatalog& catalog,
                                                    const std::vector<std::string>& words);

}  // namespace nacelle::cli
