// word_cache.h: remembers the ids of short words.
//
// Direct-mapped, one cache line an entry: a lookup is one hash and one line. Words longer than
// kMaxWord bytes or kMaxIds ids are not kept. 16,384 entries are 1 MiB.
//
// Home:  one thread.
#pragma once

#include <cstdint>
#include <cstring>
#include <span>
#include <string_view>
#include <vector>

#include "base/token.h"

namespace nacelle::tokenizer {

class WordCache {
 public:
  static constexpr std::size_t kMaxWord = 15;
  static constexpr std::size_t kMaxIds = 11;

  WordCache() : entries_(kEntries) {}

  struct Key {
    std::uint64_t low, high;
    friend bool operator==(const Key&, const Key&) = default;
  };

  // Bytes of `word` (1..kMaxWord), zero padded, its length in the last byte: different words have
  // different keys and no key is all zero.
  [[nodiscard]] static Key key_of(std::string_view word) {
    const char* p = word.data();
    const std::size_t n = word.size();
    Key key{0, std::uint64_t{n} << 56};
    if (n >= 8) {
      key.low = load<std::uint64_t>(p);
      // The last 8 bytes, shifted so that only those beyond the first 8 stay.
      if (n > 8) key.high |= load<std::uint64_t>(p + n - 8) >> (8 * (16 - n));
    } else if (n >= 4) {
      key.low = load<std::uint32_t>(p) | std::uint64_t{load<std::uint32_t>(p + n - 4)}
                                             << (8 * (n - 4));
    } else {
      const auto byte = [p](std::size_t i) {
        return std::uint64_t{static_cast<std::uint8_t>(p[i])};
      };
      key.low = byte(0) | byte(n / 2) << (8 * (n / 2)) | byte(n - 1) << (8 * (n - 1));
    }
    return key;
  }

  // Appends the ids of the word and returns true, or returns false.
  bool find(const Key& key, std::vector<TokenId>& out) const {
    const Entry& entry = entries_[slot(key)];
    if (entry.key != key) return false;
    if (entry.count == 1) [[likely]] {
      out.push_back(entry.ids[0]);
    } else {
      out.insert(out.end(), entry.ids, entry.ids + entry.count);
    }
    return true;
  }

  void insert(const Key& key, std::span<const TokenId> ids) {
    if (ids.size() > kMaxIds) return;
    Entry& entry = entries_[slot(key)];
    entry.key = key;
    entry.count = static_cast<std::uint32_t>(ids.size());
    std::copy(ids.begin(), ids.end(), entry.ids);
  }

 private:
  static constexpr std::size_t kEntries = std::size_t{1} << 14;

  struct alignas(64) Entry {
    Key key{0, 0};
    std::uint32_t count = 0;
    TokenId ids[kMaxIds];
  };

  template <class T>
  static T load(const char* p) {
    T value;
    std::memcpy(&value, p, sizeof value);
    return value;
  }

  static std::size_t slot(const Key& key) {
    std::uint64_t h = (key.low ^ (key.high * 0x9E3779B97F4A7C15ull)) * 0xD6E8FEB86659FD93ull;
    h ^= h >> 32;
    h *= 0xD6E8FEB86659FD93ull;
    return h >> 50;  // the top 14 bits
  }

  std::vector<Entry> entries_;
};

static_assert(sizeof(WordCache::Key) == 16);

}  // namespace nacelle::tokenizer
