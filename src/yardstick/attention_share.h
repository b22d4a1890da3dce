// attention_share.h: how much of a long prompt's prefill is attention.
//
// A decoder's layers are alike, so one layer tells. Its time is the difference between a model of
// three layers and one of two (vocabulary cut down), each over the whole prompt in chunks of 2048;
// the attention in it is the same kernel over the same chunks, alone. The parts take turns.
//
// Home:    the caller of the pool.
// Errors:  those of loading a model.
#pragma once

#include <cstddef>
#include <cstdint>

#include "base/result.h"
#include "yardstick/case.h"
#include "yardstick/report.h"

namespace nacelle::yardstick {

[[nodiscard]] Result<Ratio> attention_share(Lab& lab, std::uint32_t prompt_tokens,
                                            std::size_t rounds);

}  // namespace nacelle::yardstick
