#include "engine/core/cache_event_log.h"

namespace nacelle::engine {

bool CacheEventLog::make_room(std::size_t num_blocks) {
  if (hashes_.size() + num_blocks <= max_blocks_ && records_.size() < max_blocks_) return true;
  const std::uint32_t overflows = num_overflows_ + 1;
  clear();
  num_overflows_ = overflows;
  records_.push_back({});
  return num_blocks <= max_blocks_;
}

void CacheEventLog::add_stored(const BlockHash* parent, std::span<const BlockHash> hashes,
                               std::span<const TokenId> tokens, const ExtraKeys& first_keys,
                               const ExtraKeys& other_keys) {
  if (!make_room(hashes.size())) return;
  Record record{.kind = Kind::kStored,
                .has_parent = parent != nullptr,
                .first_hash = static_cast<std::uint32_t>(hashes_.size()),
                .num_hashes = static_cast<std::uint32_t>(hashes.size()),
                .first_token = static_cast<std::uint32_t>(tokens_.size()),
                .num_tokens = static_cast<std::uint32_t>(tokens.size())};
  if (parent != nullptr) record.parent = *parent;
  if (!first_keys.empty() || !other_keys.empty()) {
    record.keys = static_cast<std::uint32_t>(keys_.size());
    keys_.push_back(first_keys);
    keys_.push_back(other_keys);
  }
  hashes_.insert(hashes_.end(), hashes.begin(), hashes.end());
  tokens_.insert(tokens_.end(), tokens.begin(), tokens.end());
  records_.push_back(record);
}

void CacheEventLog::add_removed(const BlockHash& hash) {
  if (!make_room(1)) return;
  records_.push_back({.kind = Kind::kRemoved,
                      .first_hash = static_cast<std::uint32_t>(hashes_.size()),
                      .num_hashes = 1});
  hashes_.push_back(hash);
}

// What came before says nothing any more.
void CacheEventLog::add_all_cleared() {
  const std::uint32_t overflows = num_overflows_;
  clear();
  num_overflows_ = overflows;
  records_.push_back({});
}

void CacheEventLog::clear() {
  records_.clear();
  hashes_.clear();
  tokens_.clear();
  keys_.resize(2);
  num_overflows_ = 0;
}

void CacheEventLog::shrink(std::uint32_t max_blocks) {
  if (hashes_.capacity() <= max_blocks) return;
  clear();
  records_ = {};
  hashes_ = {};
  tokens_ = {};
}

std::vector<CacheEvent> CacheEventLog::to_events() const {
  std::vector<CacheEvent> out;
  for (const Record& record : records_) {
    if (record.kind == Kind::kAllCleared) {
      out.emplace_back(AllBlocksCleared{});
    } else if (record.kind == Kind::kRemoved) {
      out.emplace_back(BlockRemoved{hashes_[record.first_hash]});
    } else {
      BlocksStored stored;
      stored.hashes.assign(hashes(record).begin(), hashes(record).end());
      if (record.has_parent) stored.parent = record.parent;
      stored.tokens.assign(tokens(record).begin(), tokens(record).end());
      stored.extra.assign(record.num_hashes, other_keys(record));
      stored.extra.front() = first_keys(record);
      out.emplace_back(std::move(stored));
    }
  }
  return out;
}

}  // namespace nacelle::engine
