// cache_event.h: what happened to the prefix cache, for those who mirror it (KV events, routers).
//
// Source:  engine.md sections 23 and 24.
#pragma once

#include <optional>
#include <variant>
#include <vector>

#include "base/token.h"
#include "engine/core/block_hash.h"

namespace nacelle::engine {

// Consecutive blocks of one sequence became cached. Publish after the step that fills them.
struct BlocksStored {
  std::vector<BlockHash> hashes;
  std::optional<BlockHash> parent;  // nullopt at the start of a sequence
  std::vector<TokenId> tokens;      // of all these blocks
  std::vector<ExtraKeys> extra;     // one per block
  friend bool operator==(const BlocksStored&, const BlocksStored&) = default;
};

// The last block with this content was taken for something else.
struct BlockRemoved {
  BlockHash hash;
  friend bool operator==(const BlockRemoved&, const BlockRemoved&) = default;
};

struct AllBlocksCleared {
  friend bool operator==(const AllBlocksCleared&, const AllBlocksCleared&) = default;
};

using CacheEvent = std::variant<BlocksStored, BlockRemoved, AllBlocksCleared>;

}  // namespace nacelle::engine
