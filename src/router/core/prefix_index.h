// prefix_index.h: which endpoint has probably cached which prompt prefix, from what was sent where.
//
// A table of block hash -> row; a row is a bitset of endpoints. Per endpoint an LRU of its rows, as
// large as its KV cache. A match is the run of leading blocks that the endpoint holds without a
// gap.
//
// Home:    inside the router's pick lock. Not thread-safe.
// Bounds:  capacity per endpoint (blocks); beyond it the least recently used block is forgotten.
// Cost:    match O(blocks * endpoints / 64); insert O(blocks). No call moves more than one block of
//          rows or one shard of the table, however large the index is; only a pool that outgrows
//          the width of its rows (64, 128, 256, ... endpoints) moves all.
// Source:  router.md section 10. Unlike upstream, an endpoint that misses block k does not count
//          k + 1.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "router/core/row_lru.h"
#include "router/core/row_table.h"
#include "router/endpoint.h"

namespace nacelle::router {

class PrefixIndex {
 public:
  static constexpr std::uint32_t kDefaultCapacityBlocks = 31250;

  // matched[e] = leading blocks of `hashes` that endpoint e holds. Sized by the caller; endpoints
  // beyond its size are left out.
  void match(std::span<const std::uint64_t> hashes, std::span<std::uint32_t> matched) const;

  // Records that `endpoint` gets this prompt. Within one prompt the first blocks stay longest.
  void insert(EndpointId endpoint, std::span<const std::uint64_t> hashes);

  // Forgets everything about an endpoint that left or restarted.
  void remove(EndpointId endpoint);
  // Forgets these blocks of an endpoint that never got them.
  void remove(EndpointId endpoint, std::span<const std::uint64_t> hashes);

  // Blocks the endpoint's own cache holds, as it reports them.
  void set_capacity(EndpointId endpoint, std::uint32_t blocks);

  [[nodiscard]] std::size_t num_hashes() const { return rows_.size(); }

 private:
  static constexpr std::uint32_t kRowsPerBlock = 256;  // allocated together, never moved

  struct RowBlock {
    std::array<std::uint64_t, kRowsPerBlock> hash;
    std::array<std::uint32_t, kRowsPerBlock> holders;  // bits set in the row
    std::unique_ptr<std::uint64_t[]> bits;             // [kRowsPerBlock, stride_]
  };

  [[nodiscard]] const std::uint64_t* bits(std::uint32_t row) const {
    return &blocks_[row / kRowsPerBlock]->bits[row % kRowsPerBlock * stride_];
  }
  [[nodiscard]] std::uint64_t* bits(std::uint32_t row) {
    return &blocks_[row / kRowsPerBlock]->bits[row % kRowsPerBlock * stride_];
  }
  void ensure(EndpointId endpoint);
  void evict(std::uint32_t endpoint);
  std::uint32_t new_row(std::uint64_t hash);
  void clear_bit(std::uint32_t row, std::uint32_t endpoint);
  void widen(std::size_t stride);

  std::vector<RowLru> lru_;  // by endpoint
  RowTable rows_;
  std::vector<std::unique_ptr<RowBlock>> blocks_;
  std::vector<std::uint32_t> free_rows_;
  std::uint32_t num_rows_ = 0;  // ever made; those not free are in rows_
  std::size_t stride_ = 1;      // words of 64 endpoints

  mutable std::vector<std::uint64_t> alive_;  // scratch of match()
  mutable std::vector<std::uint32_t> found_;  // scratch: rows of a prompt, or evicted ones
};

}  // namespace nacelle::router
