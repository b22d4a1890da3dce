// embedding.h: rows of the embedding table as f32.
//
// Errors:  none: token ids outside the table are the engine's bug and are CHECKed; requests are
//          validated against the vocabulary before they come here.
#pragma once

#include <span>

#include "base/token.h"
#include "kernels/context.h"
#include "tensor/tensor_view.h"

namespace nacelle::kernels {

// table: [vocab, dim] in bf16, f16 or f32. out: [ids.size(), dim] f32, dense.
void gather_embeddings(const Context& context, const TensorView& table,
                       std::span<const TokenId> ids, float* out);

}  // namespace nacelle::kernels
