// block_pool.h: hands out fixed-size KV cache blocks and takes them back.
//
// Blocks are numbered from 0; block 0 is the null block and is never handed out. A free block keeps
// its content until it is handed out again, so a freed prefix can still be a cache hit: touch()
// takes it back out of the free list.
//
// Home:       the engine loop. Not thread-safe.
// Errors:     allocate() returns nullopt when no block is free; that is normal under load.
// Invariant:  free blocks + blocks with references == usable blocks; the free list is in the order
// in
//             which blocks became free (at first: by number), least recent first.
// Cost:       every operation is O(1) and allocates nothing.
// Source:     PagedAttention (Kwon et al., 2023), section 4; engine.md section 23.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "engine/core/ids.h"

namespace nacelle::engine {

class BlockPool {
 public:
  // At least the null block and one usable one.
  explicit BlockPool(std::uint32_t num_blocks);

  // The block that has been free for longest, with one reference.
  [[nodiscard]] std::optional<BlockId> allocate();

  // One more reference; a free block leaves the free list with its content.
  void touch(BlockId block);

  // Gives back one reference. With the last one the block joins the end of the free list.
  void release(BlockId block);

  [[nodiscard]] bool is_free(BlockId block) const { return links_[block.value].references == 0; }
  [[nodiscard]] std::uint32_t references(BlockId block) const {
    return links_[block.value].references;
  }
  [[nodiscard]] std::uint32_t num_free() const { return num_free_; }
  [[nodiscard]] std::uint32_t num_blocks() const {
    return static_cast<std::uint32_t>(links_.size());
  }
  // All but the null block.
  [[nodiscard]] std::uint32_t num_usable() const { return num_blocks() - 1; }

 private:
  // Of one block. Free blocks form a ring through `prev` and `next`; the null block, which is never
  // in it otherwise, closes the ring: its `next` is the head and its `prev` the tail.
  struct Link {
    std::uint32_t prev = 0;
    std::uint32_t next = 0;
    std::uint32_t references = 0;
  };

  void unlink(std::uint32_t block);

  std::vector<Link> links_;
  std::uint32_t num_free_ = 0;
};

}  // namespace nacelle::engine
