// holder_table.h: block key -> who holds it and in which memory, packed into 16 bytes per block.
//
// Open addressing over {key, value}. A value is either up to three holders (16 bits of holder, four
// bits of planes), or the rows of a bitset per plane, in the same table. A plane is a memory tier,
// or kSpeculative for what was only sent there. The table grows by an eighth, so that it is 70 to
// 80 % full: at most 23 bytes per block that one endpoint holds; a block that many hold costs a bit
// per endpoint more.
//
// PreciseIndex owns many of these, by hash, so that growing one is a pause of microseconds.
//
// Home:    match() on any threads at a time while nobody changes the table (it sets touched bits,
//          atomically); everything else alone.
// Bounds:  set_limit(): beyond it a block that no lookup touched lately is forgotten, a clock hand
//          at a time. kMaxRows bitset rows.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>
#include <vector>

namespace nacelle::router {

enum class Plane : std::uint8_t { kGpu, kCpu, kDisk, kSpeculative };
inline constexpr std::size_t kNumPlanes = 4;

class HolderTable {
 public:
  static constexpr std::uint32_t kMaxHolders = 1 << 16;
  static constexpr std::uint32_t kMaxRows = (1 << 15) - 1;

  // What a lookup found; false when nobody holds the block.
  class Found {
   public:
    Found() = default;
    Found(const HolderTable& table, std::uint64_t value) : table_(&table), value_(value) {}
    explicit operator bool() const { return value_ != 0; }

    // Up to three holders, or else rows.
    [[nodiscard]] std::uint32_t num_inline() const {
      return static_cast<std::uint32_t>(value_ & kCountMask);
    }
    [[nodiscard]] std::uint32_t holder(std::uint32_t i) const { return holder_at(value_, i); }
    [[nodiscard]] std::uint32_t planes(std::uint32_t i) const { return planes_at(value_, i); }
    // Words of a bit per holder, stride() of them; nullptr when the plane has none.
    [[nodiscard]] const std::uint64_t* row(Plane plane) const {
      const std::uint32_t row = row_at(value_, static_cast<std::size_t>(plane));
      return row == 0 ? nullptr : table_->bits_.data() + row * table_->stride_;
    }
    [[nodiscard]] bool only_gpu_row() const {
      return num_inline() == 0 && value_ >> (kShift + kRowBits) == 0;
    }
    [[nodiscard]] std::size_t stride() const { return table_->stride_; }

   private:
    const HolderTable* table_ = nullptr;
    std::uint64_t value_ = 0;
  };

  enum class Added { kNew, kWasThere, kFull };

  void prefetch(std::uint32_t hash) const {
    if (!slots_.empty()) __builtin_prefetch(&slots_[home(hash)]);
  }
  [[nodiscard]] Found match(std::uint64_t key, std::uint32_t hash) const {
    if (size_ == 0) return {};
    for (std::size_t i = home(hash);; i = next(i)) {
      // Other lookups set touched bits meanwhile.
      std::atomic_ref<std::uint64_t> shared(const_cast<std::uint64_t&>(slots_[i].value));
      const std::uint64_t value = shared.load(std::memory_order_relaxed);
      if (value == 0) return {};
      if (slots_[i].key != key) continue;
      if ((value & kTouched) == 0) shared.fetch_or(kTouched, std::memory_order_relaxed);
      return {*this, value};
    }
  }

  Added add(std::uint64_t key, std::uint32_t hash, std::uint32_t holder, Plane plane);
  // False when it was not there.
  bool remove(std::uint64_t key, std::uint32_t hash, std::uint32_t holder, Plane plane);
  // Forgets all blocks of the holders whose bits are set.
  void strip(std::span<const std::uint64_t> holders);

  void set_limit(std::size_t bytes) { limit_bytes_ = bytes; }
  [[nodiscard]] std::size_t bytes() const {
    return slots_.capacity() * sizeof(Slot) + bits_.capacity() * sizeof(std::uint64_t) +
           free_rows_.capacity() * sizeof(std::uint16_t);
  }
  [[nodiscard]] std::size_t size() const { return size_; }
  [[nodiscard]] std::uint64_t num_evicted() const { return num_evicted_; }

 private:
  struct Slot {
    std::uint64_t key = 0;
    std::uint64_t value = 0;  // 0: empty
  };
  // A value, from the lowest bit: two bits number of inline holders (1 to 3), one bit rows, one bit
  // touched; then three times 16 bits of holder and four of planes, or four times 15 bits of row.
  static constexpr std::uint64_t kCountMask = 3, kRows = 4, kTouched = 8;
  static constexpr int kShift = 4, kRowBits = 15;

  static std::uint64_t pack(std::uint32_t i, std::uint32_t holder, std::uint32_t planes) {
    return (std::uint64_t{planes} << 16 | holder) << (kShift + 20 * i);
  }
  static std::uint32_t holder_at(std::uint64_t value, std::uint32_t i) {
    return static_cast<std::uint32_t>(value >> (kShift + 20 * i)) & 0xffff;
  }
  static std::uint32_t planes_at(std::uint64_t value, std::uint32_t i) {
    return static_cast<std::uint32_t>(value >> (kShift + 20 * i + 16)) & 0xf;
  }
  static std::uint32_t row_at(std::uint64_t value, std::size_t plane) {
    return static_cast<std::uint32_t>(value >> (kShift + kRowBits * plane)) & kMaxRows;
  }
  static constexpr std::size_t kNone = SIZE_MAX;

  [[nodiscard]] std::size_t home(std::uint32_t hash) const {
    return static_cast<std::size_t>((std::uint64_t{hash} * slots_.size()) >> 32);
  }
  [[nodiscard]] std::size_t next(std::size_t i) const { return i + 1 == slots_.size() ? 0 : i + 1; }
  [[nodiscard]] std::size_t find(std::uint64_t key, std::uint32_t hash) const;
  bool make_room();
  void grow(std::size_t capacity);
  void evict_one();
  void erase_at(std::size_t i);

  std::uint64_t* row(std::uint64_t value, std::size_t plane);
  [[nodiscard]] std::uint32_t take_row();
  void release_row(std::uint32_t row);
  bool widen(std::uint32_t holder);
  Added add_inline(Slot& slot, std::uint32_t holder, Plane plane);
  Added add_to_rows(Slot& slot, std::uint32_t holder, Plane plane);
  void shrink_rows(std::size_t i);

  std::vector<Slot> slots_;
  std::size_t size_ = 0, hand_ = 0;
  std::size_t limit_bytes_ = SIZE_MAX;
  std::uint64_t num_evicted_ = 0;
  std::vector<std::uint64_t> bits_;  // [rows, stride_]; row 0 is never used
  std::uint32_t num_rows_ = 0;
  std::size_t stride_ = 0;  // words
  std::vector<std::uint16_t> free_rows_;
};

// A key spread over 32 bits for the table and 8 more for the choice of a table.
struct SpreadKey {
  explicit SpreadKey(std::uint64_t key) {
    const std::uint64_t mixed = key * 0x9E3779B97F4A7C15u;
    part = static_cast<std::uint32_t>(mixed >> 56);
    hash = static_cast<std::uint32_t>(mixed >> 24);
  }
  std::uint32_t part, hash;
};

}  // namespace nacelle::router
