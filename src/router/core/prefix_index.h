// prefix_index.h: which endpoint has probably cached which prompt prefix, from what was sent where.
//
// A table of block hash -> bitset of endpoints, and per endpoint an LRU of its hashes as large as
// its KV cache. A match is the run of leading blocks that the endpoint holds without a gap.
//
// Home:    inside the router's pick lock. Not thread-safe.
// Bounds:  capacity per endpoint (blocks); beyond it the least recently used hash is forgotten.
// Cost:    match O(blocks * endpoints / 64); insert O(blocks).
// Source:  router.md section 10. Unlike upstream, an endpoint that misses block k does not count k
// + 1.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "router/core/flat_map.h"
#include "router/core/hash_lru.h"
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

  // Blocks the endpoint's own cache holds, as it reports them.
  void set_capacity(EndpointId endpoint, std::uint32_t blocks);

  [[nodiscard]] std::size_t num_hashes() const { return rows_.size(); }

 private:
  void ensure(EndpointId endpoint);
  void evict(std::uint32_t endpoint);
  void clear_bit(std::uint64_t hash, std::uint32_t endpoint);
  void widen(std::size_t stride);

  std::vector<HashLru> lru_;             // by endpoint
  mutable FlatMap<std::uint32_t> rows_;  // hash -> row of `bits_`
  std::vector<std::uint64_t> bits_;      // [rows, stride_]
  std::vector<std::uint32_t> free_rows_;
  std::size_t stride_ = 1;                    // words of 64 endpoints
  mutable std::vector<std::uint64_t> alive_;  // scratch of match()
};

}  // namespace nacelle::router
