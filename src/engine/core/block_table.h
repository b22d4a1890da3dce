// block_table.h: a sequence's blocks, in the order of its positions.
//
// Position p lives in slot p % block_size of block p / block_size. Append-only until clear().
// Within what reserve() was told, neither moves the numbers that raw() showed: a step that still
// runs may read them while the next one is planned.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "engine/core/ids.h"

namespace nacelle::engine {

class BlockTable {
 public:
  void reserve(std::uint32_t num_blocks) { blocks_.reserve(num_blocks); }
  void append(BlockId block) { blocks_.push_back(block.value); }
  void clear() { blocks_.clear(); }

  [[nodiscard]] BlockId operator[](std::uint32_t index) const { return BlockId{blocks_[index]}; }
  [[nodiscard]] std::uint32_t size() const { return static_cast<std::uint32_t>(blocks_.size()); }
  // As kernels read it. Valid until the next append beyond the reserve.
  [[nodiscard]] std::span<const std::uint32_t> raw() const { return blocks_; }

 private:
  std::vector<std::uint32_t> blocks_;
};

}  // namespace nacelle::engine
