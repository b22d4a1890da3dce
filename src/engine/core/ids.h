// ids.h: the names of what the scheduler moves around.
#pragma once

#include <cstdint>

#include "base/id.h"

namespace nacelle::engine {

// Ascends in order of submission: it decides who came first among equals.
using SequenceId = Id<struct SequenceTag, std::uint64_t>;
using BlockId = Id<struct BlockTag>;
// Where a scheduler keeps a sequence: a small number, used again after the sequence is gone.
using SequenceSlot = Id<struct SequenceSlotTag>;

// Never handed out: kernels may read it where a table has no block.
inline constexpr BlockId kNullBlock{0};

}  // namespace nacelle::engine
