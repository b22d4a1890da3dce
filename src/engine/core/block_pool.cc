#include "engine/core/block_pool.h"

#include "base/check.h"

namespace nacelle::engine {

BlockPool::BlockPool(std::uint32_t num_blocks) : links_(num_blocks) {
  CHECK(num_blocks >= 2);
  for (std::uint32_t i = 0; i < num_blocks; ++i) {
    links_[i].prev = i == 0 ? num_blocks - 1 : i - 1;
    links_[i].next = i + 1 == num_blocks ? 0 : i + 1;
  }
  num_free_ = num_blocks - 1;
}

void BlockPool::unlink(std::uint32_t block) {
  Link& link = links_[block];
  links_[link.prev].next = link.next;
  links_[link.next].prev = link.prev;
  --num_free_;
}

std::optional<BlockId> BlockPool::allocate() {
  const std::uint32_t block = links_[0].next;
  if (block == 0) return std::nullopt;
  unlink(block);
  links_[block].references = 1;
  return BlockId{block};
}

void BlockPool::touch(BlockId block) {
  CHECK(block != kNullBlock && block.value < links_.size());
  if (links_[block.value].references++ == 0) unlink(block.value);
}

void BlockPool::release(BlockId block) {
  CHECK(block != kNullBlock && block.value < links_.size());
  Link& link = links_[block.value];
  CHECK(link.references > 0);
  if (--link.references > 0) return;
  link.prev = links_[0].prev;
  link.next = 0;
  links_[link.prev].next = block.value;
  links_[0].prev = block.value;
  ++num_free_;
}

}  // namespace nacelle::engine
