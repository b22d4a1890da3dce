// packed_recipe.h: one number for everything but the checkpoint that decides packed bytes.
#pragma once

#include <cstdint>

#include "kernels/context.h"
#include "model/packed_cache.h"

namespace nacelle::model {

// Packs and quantises small sample weights with this build and hashes the bytes: a release that
// changes a layout or the rounding of a quantiser gets another number by itself.
[[nodiscard]] std::uint64_t recipe_number(const PackedRecipe& recipe,
                                          const kernels::Context& context);

}  // namespace nacelle::model
