#include "router/kv_events/request_key_map.h"

namespace nacelle::router {
namespace {

constexpr std::uint32_t kMaxPerBlock = 64;

std::uint64_t name_of(std::uint64_t engine_hash, std::uint32_t position) {
  return engine_hash ^ position * 0x9E3779B97F4A7C15u;
}

}  // namespace

RequestKeyMap::RequestKeyMap(const KeySpace& space)
    : space_(space), hasher_(space.request_algorithm, space.seed) {}

bool RequestKeyMap::stored(const kv_events::Stored& event, std::vector<std::uint64_t>& keys) {
  keys.clear();
  const std::uint32_t ours = space_.block_size_tokens;
  const std::uint32_t per_block = event.block_size / ours;
  if (per_block == 0 || per_block > kMaxPerBlock || event.block_size % ours != 0) return false;
  if (event.tokens.size() != event.hashes.size() * event.block_size) return false;
  if (event.has_more_extra_keys) return false;  // which block they belong to is not kept
  if (keys_.size() + event.hashes.size() * per_block > kMaxEntries) return false;
  std::uint64_t parent = 0;
  if (event.parent) {
    // The last key of the parent's block is what ours continues.
    const Entry* first = keys_.find(name_of(*event.parent, 0));
    const Entry* last =
        first == nullptr ? nullptr : keys_.find(name_of(*event.parent, first->per_block - 1));
    if (last == nullptr) return false;
    parent = last->key;
  } else {
    parent = hasher_.root(event.lora_name.empty() ? space_.model : event.lora_name);
  }
  const block_hash::ExtraKeys extra(event.first_extra_keys.begin(), event.first_extra_keys.end());
  const block_hash::ExtraKeys none;
  for (std::size_t block = 0; block < event.hashes.size(); ++block) {
    for (std::uint32_t i = 0; i < per_block; ++i) {
      const std::size_t index = block * per_block + i;
      parent =
          hasher_.hash(parent, event.tokens.subspan(index * ours, ours), index == 0 ? extra : none);
      keys.push_back(parent);
      const std::uint64_t name = name_of(event.hashes[block], i);
      if (Entry* entry = keys_.find(name)) {
        ++entry->references;
      } else {
        keys_.insert(name, {parent, 1, per_block});
      }
    }
  }
  return true;
}

void RequestKeyMap::removed(const kv_events::Removed& event, std::vector<std::uint64_t>& keys) {
  keys.clear();
  for (const std::uint64_t hash : event.hashes) {
    const Entry* first = keys_.find(name_of(hash, 0));
    if (first == nullptr) continue;
    const std::uint32_t per_block = first->per_block;
    for (std::uint32_t i = 0; i < per_block; ++i) {
      Entry* entry = keys_.find(name_of(hash, i));
      if (entry == nullptr) continue;
      keys.push_back(entry->key);
      if (--entry->references == 0) keys_.erase(name_of(hash, i));
    }
  }
}

}  // namespace nacelle::router
