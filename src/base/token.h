// token.h: the unit of text that models, caches and routers share.
#pragma once

#include <cstdint>

namespace nacelle {

// An index into a model's vocabulary. Plain, not an Id<>: token ids live in large spans that
// kernels, hashes and JSON read directly.
using TokenId = std::int32_t;

}  // namespace nacelle
