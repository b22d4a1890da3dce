// row_lru.h: the rows one endpoint is believed to hold, least recently used first out.
//
// A prompt's blocks get neighbouring row numbers, and are touched together. So the list's links lie
// in pages of eight rows, one cache line each: a prompt of 125 blocks touches some 17 lines and as
// many slots of the page table, not 125 of each.
//
//   row 8p+i  ->  page table[p] = slot  ->  pages[slot].links[i] = {older, newer}
//
// Links are places (slot * 8 + i), so walking the list needs no look-up.
//
// Home:    inside the router's pick lock. Not thread-safe.
// Bounds:  the caller evicts beyond capacity(). A page holds one row at least, so at worst a row
//          costs 72 bytes and its share of the page table.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

namespace nacelle::router {

class RowLru {
 public:
  explicit RowLru(std::uint32_t capacity) { set_capacity(capacity); }

  [[nodiscard]] std::size_t size() const { return size_; }
  [[nodiscard]] std::uint32_t capacity() const { return capacity_; }
  void set_capacity(std::uint32_t capacity) { capacity_ = capacity < 1 ? 1 : capacity; }

  // Makes `row` the most recently used. True when it was not there before.
  bool touch(std::uint32_t row);
  // Removes the least recently used row and returns it. size() > 0.
  std::uint32_t pop_oldest();
  // True when it was there.
  bool erase(std::uint32_t row);

  // Visits every row, in no order.
  template <class Visit>
  void for_each(Visit visit) const {
    for (std::uint32_t place = oldest_; place != kNone; place = links(place).newer) {
      visit(row_at(place));
    }
  }

 private:
  static constexpr std::uint32_t kNone = UINT32_MAX;
  static constexpr std::uint32_t kRows = 8;            // of a page
  static constexpr std::uint32_t kPagesPerBlock = 32;  // allocated together, never moved

  struct Links {
    std::uint32_t older, newer;
  };
  struct alignas(64) Page {
    std::array<Links, kRows> links;
  };
  // What is known of a page besides its links.
  struct PageState {
    std::uint32_t number = 0;   // row / kRows
    std::uint32_t present = 0;  // bit i: row number * kRows + i is in the list
  };
  struct Entry {  // of the page table
    std::uint32_t number = kNone;
    std::uint32_t slot = 0;
  };

  [[nodiscard]] Links& links(std::uint32_t place) {
    const std::uint32_t slot = place / kRows;
    return blocks_[slot / kPagesPerBlock][slot % kPagesPerBlock].links[place % kRows];
  }
  [[nodiscard]] const Links& links(std::uint32_t place) const {
    return const_cast<RowLru*>(this)->links(place);
  }
  [[nodiscard]] std::uint32_t row_at(std::uint32_t place) const {
    return states_[place / kRows].number * kRows + place % kRows;
  }

  void unlink(std::uint32_t place);
  void drop(std::uint32_t place);
  void link_newest(std::uint32_t place);
  std::uint32_t slot_of(std::uint32_t number);  // makes the page when it is not there
  void drop_page(std::uint32_t slot);
  // Eight neighbouring pages share a cache line of the table.
  [[nodiscard]] std::size_t home(std::uint32_t number) const {
    return (((number / 8) * 0x9E3779B1u) * 8 + number % 8) & mask_;
  }
  void grow();

  std::uint32_t capacity_ = 1;
  std::size_t size_ = 0;
  std::uint32_t oldest_ = kNone, newest_ = kNone;      // places
  std::uint32_t last_number_ = kNone, last_slot_ = 0;  // the page that was touched last

  std::vector<std::unique_ptr<Page[]>> blocks_;
  std::vector<PageState> states_;  // by slot
  std::vector<std::uint32_t> free_slots_;

  std::vector<Entry> table_;  // linear probing, load at most 1/2
  std::size_t mask_ = 0;
  std::size_t num_pages_ = 0;
};

}  // namespace nacelle::router
