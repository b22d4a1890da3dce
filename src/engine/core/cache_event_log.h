// cache_event_log.h: cache events in flat arrays that are filled again and again.
//
// A log is recorded by the engine loop, swapped with an empty one, and read by the publisher; its
// arrays keep their memory, so recording allocates nothing once they have grown. A log that reaches
// its bound forgets what it holds and starts over with AllBlocksCleared: a mirror then knows less
// than the cache holds, never more.
//
// Home:    whoever owns it at the time. Not thread-safe.
// Bounds:  `max_blocks` hashes per log.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "engine/core/cache_event.h"

namespace nacelle::engine {

class CacheEventLog {
 public:
  static constexpr std::uint32_t kMaxBlocks = 1 << 16;

  enum class Kind : std::uint8_t { kStored, kRemoved, kAllCleared };
  struct Record {
    Kind kind = Kind::kAllCleared;
    bool has_parent = false;
    std::uint32_t first_hash = 0, num_hashes = 0;
    std::uint32_t first_token = 0, num_tokens = 0;
    std::uint32_t keys = 0;  // index of the first block's extra keys; the others' come next
    BlockHash parent;
  };

  explicit CacheEventLog(std::uint32_t max_blocks = kMaxBlocks) : max_blocks_(max_blocks) {}

  // `parent` is nullptr at the start of a sequence. More blocks than the bound count as an
  // overflow.
  void add_stored(const BlockHash* parent, std::span<const BlockHash> hashes,
                  std::span<const TokenId> tokens, const ExtraKeys& first_keys,
                  const ExtraKeys& other_keys);
  void add_removed(const BlockHash& hash);
  void add_all_cleared();
  void clear();
  // Gives memory back beyond what `max_blocks` blocks need.
  void shrink(std::uint32_t max_blocks);

  [[nodiscard]] bool empty() const { return records_.empty(); }
  [[nodiscard]] std::size_t num_blocks() const { return hashes_.size(); }
  [[nodiscard]] std::uint32_t num_overflows() const { return num_overflows_; }

  [[nodiscard]] std::span<const Record> records() const { return records_; }
  [[nodiscard]] std::span<const BlockHash> hashes(const Record& record) const {
    return std::span(hashes_).subspan(record.first_hash, record.num_hashes);
  }
  [[nodiscard]] std::span<const TokenId> tokens(const Record& record) const {
    return std::span(tokens_).subspan(record.first_token, record.num_tokens);
  }
  [[nodiscard]] const ExtraKeys& first_keys(const Record& record) const {
    return keys_[record.keys];
  }
  [[nodiscard]] const ExtraKeys& other_keys(const Record& record) const {
    return keys_[record.keys + 1];
  }

  // As values, for tests.
  [[nodiscard]] std::vector<CacheEvent> to_events() const;

 private:
  bool make_room(std::size_t num_blocks);

  std::uint32_t max_blocks_;
  std::uint32_t num_overflows_ = 0;  // since clear()
  std::vector<Record> records_;
  std::vector<BlockHash> hashes_;
  std::vector<TokenId> tokens_;
  std::vector<ExtraKeys> keys_{2};  // the first two are empty: those of most blocks
};

}  // namespace nacelle::engine
