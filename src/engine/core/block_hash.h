// block_hash.h: the names of block_hash/ in the engine's words.
#pragma once

#include "block_hash/block_hash.h"

namespace nacelle::engine {

using block_hash::BlockHash;
using block_hash::BlockHasher;
using block_hash::ExtraKeys;
using block_hash::HashAlgorithm;

}  // namespace nacelle::engine
