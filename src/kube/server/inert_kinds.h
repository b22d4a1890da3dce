// inert_kinds.h: kinds that are kept and shown, and that nothing here acts upon.
//
// Charts bring them; whoever creates one is told what will not happen, instead of finding out.
//
// Home:    pure.
#pragma once

#include <string_view>

#include "kube/schema/kind.h"

namespace nacelle::kube::server {

// "" for a kind that does something.
[[nodiscard]] std::string_view inert_warning(const schema::Kind& kind);

}  // namespace nacelle::kube::server
