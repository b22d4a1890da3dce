// request_key_map.h: engine block hash -> request keys, for events of engines that hash
// differently.
//
// One per endpoint: it goes with the endpoint's cache, whatever its engine's seed was.
//
// Home:    the subscriber's thread.
// Bounds:  kMaxEntries keys (24 bytes each at most half full); more stored blocks are skipped.
// Source:  router.md section 11.4.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "kv_events/event.h"
#include "router/core/flat_map.h"
#include "router/kv_events/key_space.h"

namespace nacelle::router {

class RequestKeyMap {
 public:
  static constexpr std::size_t kMaxEntries = std::size_t{1} << 22;

  explicit RequestKeyMap(const KeySpace& space);

  // Replaces `keys` with those of the stored blocks. False when the event cannot be placed: its
  // parent is not known, or its block size is no multiple of ours.
  [[nodiscard]] bool stored(const kv_events::Stored& event, std::vector<std::uint64_t>& keys);
  // Replaces `keys` with those of the removed blocks. Unknown hashes are left out.
  void removed(const kv_events::Removed& event, std::vector<std::uint64_t>& keys);

  [[nodiscard]] std::size_t size() const { return keys_.size(); }

 private:
  struct Entry {
    std::uint64_t key = 0;
    std::uint32_t references = 0;  // copies of the block
    std::uint32_t per_block = 1;   // keys of one engine block
  };

  KeySpace space_;
  block_hash::RequestKeyHasher hasher_;
  FlatMap<Entry> keys_;  // by (engine hash, position of the key in its block)
};

}  // namespace nacelle::router
